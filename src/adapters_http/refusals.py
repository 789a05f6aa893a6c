"""What HTTP itself lets us refuse, before a use case is asked."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from zero2prod_core.domain.challenges import Challenge
from zero2prod_core.errors import FieldMissing, Refusal

__all__ = [
    "BodyBroken",
    "BodyTooLarge",
    "BodyTooSlow",
    "BodyTypeRefused",
    "ChallengeRequired",
    "CrossSiteRefused",
    "Detailed",
    "FieldsRefused",
]

# Mistakes told at once. No sign-up has more fields of its own; the rest would be an echo of what was sent.
MOST_TOLD: Final = 50


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
    """The body is of another type than the route takes, not in UTF-8, or compressed."""

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


class Detailed:
    """What a refusal has to tell a program beyond texts: ``members`` of its problem details, as JSON."""

    members: Mapping[str, object]


class FieldsRefused(Refusal, Detailed):
    """One or more fields of a JSON body break their rules; ``errors`` has the first, each with its rule and remedy, and
    ``more`` is how many others there are, where they are too many to be told.
    """

    code = "fields_refused"

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        self.refusals = refusals
        first, more = refusals[:MOST_TOLD], len(refusals[MOST_TOLD:])
        errors = [_told(refusal) for refusal in first]
        self.members = {"errors": errors} | ({"more": more} if more else {})
        others = [f"There are {more} more."] if more else []
        super().__init__(" ".join([*map(str, first), *others]), **errors[0])


def _told(refusal: Refusal) -> dict[str, str]:
    fields = refusal.fields
    if isinstance(refusal, FieldMissing):
        return {"field": fields["field"], "rule": "missing", "remedy": "Fill it in"}
    return {"field": fields["field"], "rule": fields["rule"], "remedy": fields.get("remedy", "Give another value")}


class ChallengeRequired(Refusal, Detailed):
    """The sign-up is taken together with the answer to this challenge."""

    code = "challenge_required"

    def __init__(self, challenge: Challenge, path: str) -> None:
        wait = _seconds(challenge.wait)
        task: Mapping[str, object] = {
            "text": challenge.text,
            "algorithm": "SHA-256",
            "bits": challenge.bits,
            "wait_seconds": wait,
            "lasts_seconds": _seconds(challenge.lasts),
            "send_to": path,
        }
        self.members = {"challenge": task}
        super().__init__(
            f"challenge: must be answered. Find a number for which SHA-256 of its text, a colon and the number begins "
            f"with {challenge.bits} zero bits, and send the same again with the text as challenge and the number as "
            f"answer; or wait {wait} seconds, and send it with the text alone.",
            field="challenge",
            rule="answered",
        )


def _seconds(span: timedelta) -> int:
    """Whole ones, rounded up: whoever waits so long has waited long enough."""
    return -(-span // timedelta(seconds=1))
