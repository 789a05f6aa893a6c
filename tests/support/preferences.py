"""Readers of a served house, and the paths of both links to their preferences."""

from datetime import UTC, date, datetime, timedelta

from tests.support.http import BASE_URL, House
from zero2prod.testing.builders import KEYS, email, origin, subscriber
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER
from zero2prod_core.domain.subscriber_names import SubscriberName
from zero2prod_core.domain.subscribers import Subscriber
from zero2prod_core.domain.tokens import Purpose, token_text

__all__ = ["ADA", "OTHER", "a_day", "add_reader", "issue_path", "mailed_path", "reread"]

ADA = "ada@example.com"
OTHER = "other"


def a_day(days: int = 30) -> date:
    """So many days from today, by the store's clock."""
    return (datetime.now(UTC) + timedelta(days=days)).date()


async def add_reader(house: House, name: str = "Ada <3", *, newsletter: str = "") -> Subscriber:
    """Ada, confirmed; of another newsletter, which is made, where one is named."""
    id_ = DEFAULT_NEWSLETTER.id
    if newsletter:
        id_ = (await house.application.create_newsletter(origin(), newsletter, f"The {newsletter}")).id
    reader = subscriber(email(ADA), newsletter=id_, name=SubscriberName(name))
    async with house.uow() as tx:
        await tx.subscribers.claim_batch([reader])
    return reader


async def reread(house: House, reader: Subscriber) -> Subscriber:
    async with house.uow.reading() as tx:
        return (await tx.subscribers.get_batch([reader.id]))[reader.id]


def issue_path(reader: Subscriber) -> str:
    """As it stands in every issue."""
    return f"/preferences/{token_text(KEYS.newest, Purpose.PREFERENCES, reader.id)}"


async def mailed_path(house: House) -> str:
    """As it stands in the mail that is asked for."""
    assert (await house.post("/preferences", {"email": ADA})).status == 200
    (parcel,) = (await house.application.deliveries.claim("test", 10, urgent=True)).parcels
    return parcel.slots["preferences.link"].removeprefix(BASE_URL)
