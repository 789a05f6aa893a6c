"""The words that a visitor agrees to, as constants: a consent is worth little unless we can show what it was given to.

The pages take their words from here. Whoever changes one gives the text a new version.
"""

import hashlib
from collections.abc import Mapping
from functools import cached_property
from typing import Final

import attrs

from zero2prod_core.domain.canonical import canonical_json
from zero2prod_core.domain.consent import Evidence
from zero2prod_core.domain.origins import Origin

__all__ = ["ASK_AGAIN_FORM", "CONFIRM_FORM", "PREFERENCES_FORM", "SUBSCRIBE_FORM", "UNSUBSCRIBE_FORM", "FormText"]


@attrs.frozen
class FormText:
    """A form's words by their place; the hosted form sends ``version`` along in its hidden field ``form``."""

    version: str
    words: Mapping[str, str]

    @cached_property
    def hash(self) -> str:
        """SHA-256 (hex) over version and words in canonical JSON."""
        return hashlib.sha256(canonical_json({"version": self.version, **self.words}).encode()).hexdigest()

    def evidence(self, origin: Origin, source: str, version: str) -> Evidence:
        """Evidence that names this text where ``version`` says it was shown; of a pasted form we know no words."""
        shown = version == self.version
        return Evidence(origin, source, self.version if shown else None, self.hash if shown else None)


SUBSCRIBE_FORM: Final = FormText(
    "subscribe-2",
    {
        "name": "Name",
        "email": "E-mail address",
        "consent": "By subscribing you ask for this newsletter by e-mail. We first send you one mail with a link; "
        "nothing else follows until you have confirmed with it. You can unsubscribe at any time by the link at the end "
        "of every issue.",
        "button": "Subscribe",
    },
)

CONFIRM_FORM: Final = FormText(
    "confirm-1",
    {
        "consent": "Press the button to receive the newsletter at the e-mail address that this link was sent to.",
        "button": "Confirm my subscription",
    },
)

ASK_AGAIN_FORM: Final = FormText(
    "ask-again-1",
    {
        "consent": "You asked for this newsletter, and the time of this link is over. Press the button, and a mail "
        "with a new one goes to the same e-mail address; nothing else follows until you have confirmed with it.",
        "button": "Send me a new link",
    },
)

UNSUBSCRIBE_FORM: Final = FormText(
    "unsubscribe-1",
    {
        "consent": "Press the button to get no more issues at the e-mail address that this link was sent to.",
        "button": "Unsubscribe",
    },
)

PREFERENCES_FORM: Final = FormText(
    "preferences-1",
    {
        "name": "Name",
        "rename": "Change the name",
        "until": "No issues until",
        "pause": "Pause",
        "resume": "End a pause, if one lasts",
        "consent": "Press the button to get no more issues of this newsletter at the e-mail address that this link was "
        "sent to.",
        "button": "Unsubscribe",
        "consent_all": "Press the button to get no more issues of any newsletter from here at that e-mail address.",
        "button_all": "Unsubscribe from all",
    },
)
