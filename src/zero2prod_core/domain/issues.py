"""Issues: what a newsletter's author publishes, from draft to finished."""

import hashlib
import html as html_entities
from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

import attrs

from zero2prod_core.domain.canonical import canonical_json
from zero2prod_core.domain.instants import Instant
from zero2prod_core.domain.lines import parse_line
from zero2prod_core.domain.shown import shows_something
from zero2prod_core.domain.slots import IN_TITLE, IN_WORDS, declared, parse_slots
from zero2prod_core.errors import FieldInvalid, TransitionRefused

LONGEST_TITLE = 200
"""Characters: it becomes the Subject, where mail programs show well under a hundred."""

LARGEST_BODY = 1024 * 1024
"""Bytes of UTF-8 in each part; mail programs cut messages off at a tenth of that, and relays refuse ten times as
much.
"""


class IssueState(StrEnum):
    DRAFT = "draft"
    SCHEDULED = "scheduled"
    SENDING = "sending"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"


class PauseCause(StrEnum):
    """Why an issue stands still: a person wished it, the relay blames us, or too many recipients' servers refuse it."""

    PERSON = "person"
    SENDER = "sender"
    REFUSALS = "refusals"


class IssueEvent(StrEnum):
    SCHEDULE = "schedule"
    PUBLISH = "publish"
    PAUSE = "pause"
    RESUME = "resume"
    FINISH = "finish"
    RESEND = "resend"
    CANCEL = "cancel"


TRANSITIONS: Mapping[tuple[IssueState, IssueEvent], IssueState] = MappingProxyType(
    {
        (IssueState.DRAFT, IssueEvent.SCHEDULE): IssueState.SCHEDULED,
        (IssueState.DRAFT, IssueEvent.PUBLISH): IssueState.SENDING,
        (IssueState.DRAFT, IssueEvent.CANCEL): IssueState.CANCELLED,
        (IssueState.SCHEDULED, IssueEvent.PUBLISH): IssueState.SENDING,
        (IssueState.SCHEDULED, IssueEvent.CANCEL): IssueState.CANCELLED,
        (IssueState.SENDING, IssueEvent.PAUSE): IssueState.PAUSED,
        (IssueState.SENDING, IssueEvent.FINISH): IssueState.FINISHED,
        (IssueState.SENDING, IssueEvent.CANCEL): IssueState.CANCELLED,
        (IssueState.PAUSED, IssueEvent.RESUME): IssueState.SENDING,
        (IssueState.PAUSED, IssueEvent.CANCEL): IssueState.CANCELLED,
        (IssueState.FINISHED, IssueEvent.RESEND): IssueState.SENDING,
    }
)


@attrs.frozen
class Content:
    """A title with a text part, an HTML part, or both; or with Markdown, from which HTML is made, and maybe a text."""

    title: str
    text: str | None
    html: str | None
    markdown: str | None = None

    @classmethod
    def parse(cls, title: str, text: str = "", html: str = "", markdown: str = "") -> "Content":
        """Check what was typed; an empty part means "not given".

        Raises:
            FieldMissing, FieldInvalid: the title is empty, long or holds a line break; no part is given, or both HTML
            and Markdown; one is too large, or has a slot that cannot be filled.
        """
        parsed = cls(
            _with_slots(parse_line(title, "title", LONGEST_TITLE), "title", IN_TITLE),
            _parse_body(text, "text_content"),
            _parse_body(html, "html_content", html_entities.unescape),
            _parse_body(markdown, "markdown_content"),
        )
        parsed._check_parts()
        return parsed

    def _check_parts(self) -> None:
        if self.html is not None and self.markdown is not None:
            raise FieldInvalid("markdown_content", "cannot stand beside HTML", "Give one of them; the text may stay")
        if self.text is not None or self.markdown is not None:
            return
        if self.html is None:
            raise FieldInvalid(
                "text_content", "must be given where there is no HTML", "Give text, HTML, both, or Markdown"
            )
        if not shows_something(self.html):
            raise FieldInvalid("html_content", "must show a text or a picture", "Write what readers are to see")

    def check_fields(self, names: Collection[str]) -> None:
        """Raises FieldInvalid: a slot is for a field of the subscriber that is none of these."""
        in_words = declared(IN_WORDS, names)
        parse_slots(self.title, "title", declared(IN_TITLE, names))
        parse_slots(self.text or "", "text_content", in_words)
        parse_slots(self.html or "", "html_content", in_words, html_entities.unescape)
        parse_slots(self.markdown or "", "markdown_content", in_words)

    @property
    def fingerprint(self) -> bytes:
        """SHA-256 over title and parts: two requests with the same fingerprint ask for the same issue.

        Markdown counts where there is some, so that records from before it was known still match.
        """
        parts = attrs.asdict(self, filter=lambda field, value: field.name != "markdown" or value is not None)
        return hashlib.sha256(canonical_json(parts).encode()).digest()


def _parse_body(typed: str, field: str, read: Callable[[str], str] = str) -> str | None:
    """The part with LF for its line breaks: a form sends CRLF where a file has LF, and means the same."""
    raw = typed.replace("\r\n", "\n").replace("\r", "\n")
    if not raw.strip():
        return None
    if "\x00" in raw:
        raise FieldInvalid(field, "must not contain NUL")
    try:
        size = len(raw.encode())
    except UnicodeEncodeError:
        raise FieldInvalid(field, "must be valid Unicode text") from None
    if size > LARGEST_BODY:
        raise FieldInvalid(field, f"must have at most {LARGEST_BODY} bytes")
    return _with_slots(raw, field, IN_WORDS, read)


def _with_slots(words: str, field: str, paths: Collection[str], read: Callable[[str], str] = str) -> str:
    """The words, whose slots can all be filled."""
    parse_slots(words, field, paths, read)
    return words


@attrs.frozen
class Issue:
    """An issue of a newsletter. ``audience`` is the number of deliveries made when it first entered sending.

    A paused one has a cause, and its reason in words: the relay's, or ours.
    """

    id: UUID
    newsletter: UUID
    letter: UUID
    title: str
    state: IssueState
    created_at: Instant
    audience: int = 0
    published_at: Instant | None = None
    finished_at: Instant | None = None
    pause_reason: str | None = None
    pause_cause: PauseCause | None = None

    def on(self, event: IssueEvent) -> "Issue":
        state = TRANSITIONS.get((self.state, event))
        if state is None:
            raise TransitionRefused("issue", self.state, event)
        return attrs.evolve(self, state=state)
