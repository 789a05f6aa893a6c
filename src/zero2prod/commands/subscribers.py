"""``zero2prod subscribers``: what is kept of a person, and how it is forgotten."""

from collections.abc import Iterator

import click

from zero2prod.commands.terminal import json_option, run_with, show, terminal
from zero2prod.runtime import Runtime
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.fields import shown_tags, shown_values
from zero2prod_core.domain.history_words import moments
from zero2prod_core.domain.people import Person, Subscription, person_as_data
from zero2prod_core.domain.subscriber_words import REASONS, STATUSES
from zero2prod_core.domain.visibility import printable

email_argument = click.argument("email", metavar="E-MAIL")


@click.group()
def subscribers() -> None:
    """Subscribers: what is known of a person, and how they are forgotten."""


@subscribers.command("show")
@email_argument
@json_option
def show_(email: str, as_json: bool) -> None:
    """Show all that is kept of an e-mail address: its newsletters, what keeps mail from it, and its history.

    The look itself is in the audit log. The JSON is what the person may ask for by law: it tells what the staff did,
    and not who of them, from where, or with what remark.
    """

    async def verb(runtime: Runtime) -> tuple[Person, str]:
        return await runtime.application.people.find(terminal(), email), runtime.settings.base_url

    person, site = run_with(verb)
    show(person_as_data(person), list(_lines(person, site)), as_json=as_json)


def _lines(person: Person, site: str) -> Iterator[str]:
    yield person.email.text
    for subscription in person.subscriptions:
        yield from _subscribed(subscription)
    for suppression in person.suppressions:
        yield f"no mail\t{suppression.created_at:%Y-%m-%d %H:%M:%S}\t{REASONS[suppression.reason]}"
        if suppression.note:
            yield f"\tnote\t{suppression.note}"
    if person.is_held:
        yield f"\tto lift it\tsearch for the whole e-mail address at {site}/admin/subscribers"
    yield from person.left_out
    for moment in moments(person.history):
        where = moment.newsletter.slug.text if moment.newsletter else ""
        yield f"{moment.at:%Y-%m-%d %H:%M:%S}\t{where}\t{'; '.join(moment.sentences)}"
        yield from (f"\t{label}\t{printable(value)}" for label, value in moment.details.items())


def _subscribed(subscription: Subscription) -> Iterator[str]:
    subscriber, newsletter = subscription.subscriber, subscription.newsletter
    yield f"{newsletter.slug.text}\t{STATUSES[subscriber.status]}\t{subscriber.name.text}"
    if subscriber.paused_until:
        yield f"\tpaused until\t{subscriber.paused_until:%Y-%m-%d %H:%M:%S}"
    for field, value in shown_values(newsletter.fields, subscriber.fields):
        yield f"\t{field.label}\t{printable(value)}"
    if tags := shown_tags(newsletter.tags, subscriber.tags):
        yield f"\ttags\t{', '.join(tags)}"


@subscribers.command()
@email_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def erase(email: str, yes: bool, as_json: bool) -> None:
    """Erase a person from every newsletter, for good.

    E-mail address, name and all else that is personal are deleted. A keyed hash stays, so that no import and no member
    of the staff brings the person back; a sign-up of their own does.
    """
    known = EmailAddress.parse(email)
    if not yes and not click.confirm(f"Erase all that is kept of {known.text}?", err=True):
        click.echo("Nothing was erased.", err=True)
        return
    count = run_with(lambda runtime: runtime.application.people.erase(terminal(), known))
    newsletters = f"{count} {'newsletter' if count == 1 else 'newsletters'}"
    done = f"Erased {known.text} from {newsletters}." if count else f"{known.text} is erased; no newsletter had it."
    show({"newsletters": count}, [done], as_json=as_json)
