"""Who is asked for a challenge before a sign-up is taken."""

from typing import Final

import attrs

from adapters_http.form_stamps import FormStamps
from adapters_http.forms import Form
from zero2prod_core.domain.challenges import Answer, Challenge, Challenged, Subject
from zero2prod_core.domain.keys import KeyRing
from zero2prod_core.domain.subscribers import SignUp
from zero2prod_core.ports.challenges import Challenges
from zero2prod_core.ports.system import Clock
from zero2prod_core.ports.telemetry import SILENT, Telemetry

__all__ = ["ANSWER", "CHALLENGE", "Door"]

# The fields of an answer, in forms as in JSON.
CHALLENGE: Final = "challenge"
ANSWER: Final = "answer"


@attrs.frozen
class Door:
    """``whom``: as the operator decided; under ``suspicious`` only those whom the hosted form's fields give away, and
    whoever has been asked.

    Counts ``challenges`` that are asked, answered, and refused: by an answer that is wrong, early, late or another's.
    """

    whom: Challenged
    challenges: Challenges
    keys: KeyRing
    stamps: FormStamps
    telemetry: Telemetry = SILENT

    @classmethod
    def keyed(
        cls, whom: Challenged, challenges: Challenges, keys: KeyRing, clock: Clock, telemetry: Telemetry = SILENT
    ) -> "Door":
        return cls(whom, challenges, keys, FormStamps(keys, clock), telemetry)

    def asks_of_form(self, form: Form, sign_up: SignUp) -> Challenge | None:
        """What is still asked for before this sign-up is taken; None lets it in."""
        answer = Answer(form.typed(CHALLENGE), form.typed(ANSWER))
        return self._asks(sign_up, answer, doubtful=self.stamps.doubts(form))

    def asks_of_program(self, answer: Answer, sign_up: SignUp) -> Challenge | None:
        """As for a form; of what a program sends, nothing gives it away as one."""
        return self._asks(sign_up, answer, doubtful=False)

    def _asks(self, sign_up: SignUp, answer: Answer, *, doubtful: bool) -> Challenge | None:
        if self.whom is Challenged.OFF:
            return None
        subject = Subject.of(self.keys.newest, sign_up.newsletter, sign_up.email)
        if answer.text:
            still_asked = self.challenges.check(subject, answer)
            self.telemetry.count("challenges", outcome="refused" if still_asked else "answered")
            return still_asked
        if not doubtful and self.whom is not Challenged.ALWAYS:
            return None
        self.telemetry.count("challenges", outcome="asked")
        return self.challenges.make(subject)
