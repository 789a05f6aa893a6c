"""A person's history as the staff read it."""

from collections.abc import Sequence

from adapters_http.patience import promptly
from zero2prod_core.application import Application
from zero2prod_core.domain.history_words import Moment, moments
from zero2prod_core.domain.people import Person

__all__ = ["moments_of"]


async def moments_of(application: Application, person: Person) -> Sequence[Moment]:
    """Moment by moment, with the usernames of the staff who had a part in it."""
    accounts = await promptly(application.accounts.list())
    return moments(person.history, {str(account.id): account.username.text for account in accounts})
