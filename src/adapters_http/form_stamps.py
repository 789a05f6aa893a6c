"""Signs that a form was filled in by a program: two fields that only our own page has.

They are signals and no proof. Whoever leaves both out is a form pasted into another site, and is not looked at; no path
avoids the limits on mails.
"""

from datetime import timedelta
from typing import Final

import attrs

from adapters_http.forms import Form
from zero2prod_core.domain.keys import KeyRing
from zero2prod_core.domain.stamps import read_stamp, stamp
from zero2prod_core.ports.system import Clock

__all__ = ["QUICKEST", "SHOWN", "TRAP", "FormStamps"]

# The hidden field with the moment at which the form was shown.
SHOWN: Final = "shown"

# The field that nobody sees. Programs fill in what sounds like free text; browsers and password managers fill in what
# belongs to a person's data, of which a message is no part.
TRAP: Final = "message"

# A browser that fills in both fields by itself still needs a person to look and to press.
QUICKEST: Final = timedelta(seconds=2)

# A tab may stay open over night. What is older was collected, to be sent again and again.
OLDEST: Final = timedelta(days=1)

PURPOSE: Final = "form shown"


@attrs.frozen
class FormStamps:
    """``clock``: the wall clock."""

    keys: KeyRing
    clock: Clock

    def of(self, form: Form) -> str:
        """What stands in the page: the form's own stamp where it is shown again, so that its time goes on."""
        age = self._age(form)
        return form.typed(SHOWN) if age is not None and age <= OLDEST else self._fresh()

    def doubts(self, form: Form) -> bool:
        """Whether our own form came back as programs send it."""
        if SHOWN not in form.fields:
            return False
        age = self._age(form)
        return bool(form.typed(TRAP).strip()) or age is None or not QUICKEST <= age <= OLDEST

    def _fresh(self) -> str:
        return stamp(self.keys.newest, PURPOSE, self.clock.now())

    def _age(self, form: Form) -> timedelta | None:
        shown = read_stamp(self.keys, PURPOSE, form.typed(SHOWN))
        return None if shown is None else self.clock.now() - shown
