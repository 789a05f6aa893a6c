from typing import Protocol

__all__ = ["Mailbox"]


class Mailbox(Protocol):
    """What catches the mail on this machine and shows it."""

    @property
    def url(self) -> str:
        """Its page for a browser, ending in a slash."""

    async def is_opened(self) -> bool:
        """Whether anybody has looked at its page; False as well where it does not answer within half a second."""
