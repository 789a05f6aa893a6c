"""What HTTP itself lets us refuse, before a use case is asked."""

from zero2prod_core.errors import Refusal

__all__ = ["BodyBroken", "BodyTooLarge", "BodyTooSlow", "BodyTypeRefused", "CrossSiteRefused"]


class BodyTooLarge(Refusal):
    """The body has more bytes than this route takes."""

    code = "body_too_large"

    def __init__(self, most: int) -> None:
        super().__init__(
            f"body: must have at most {most} bytes. Shorten the fields and try again.",
            field="body",
            rule=f"at most {most} bytes",
        )


class BodyTypeRefused(Refusal):
    """The body is no form in UTF-8, or it is compressed."""

    code = "body_type_refused"

    def __init__(self, header: str, rule: str) -> None:
        super().__init__(f"{header}: {rule}.", field=header, rule=rule)


class BodyTooSlow(Refusal):
    """The body did not come in time."""

    code = "body_too_slow"

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"body: must arrive within {seconds:g} seconds. Send the request again over a better connection.",
            field="body",
            rule=f"within {seconds:g} seconds",
        )


class BodyBroken(Refusal):
    """The body ends early, or its chunks cannot be read."""

    code = "body_broken"

    def __init__(self) -> None:
        super().__init__("body: cannot be read to its end. Send the request again.", field="body", rule="complete")


class CrossSiteRefused(Refusal):
    """Another site made this browser send the request."""

    code = "cross_site_refused"

    def __init__(self) -> None:
        super().__init__("This request comes from another site. Open this site's own page and use its form.")
