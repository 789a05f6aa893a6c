"""``zero2prod newsletters``."""

import click

from zero2prod.commands.terminal import json_option, naming_newsletters, run_with, show, terminal
from zero2prod.runtime import Runtime
from zero2prod_core.domain.newsletters import Newsletter


@click.group()
def newsletters() -> None:
    """Newsletters: what people subscribe to. A default one exists from the start."""


@newsletters.command()
@click.argument("slug")
@click.option("--name", required=True, help="Shown to readers, also as the sender's name.")
@click.option("--sender", default="", help="E-mail address in From, instead of the service's own.")
@click.option("--reply-to", default="", help="E-mail address for answers.")
@click.option("--postal-address", default="", help="The sender's postal address, in every issue; 500 characters.")
@json_option
def create(slug: str, name: str, sender: str, reply_to: str, postal_address: str, as_json: bool) -> None:
    """Add a newsletter; SLUG names it in links and forms.

    A slug has lower-case letters, digits and single hyphens, at most 63 characters.
    """
    newsletter = run_with(
        lambda runtime: runtime.application.create_newsletter(terminal(), slug, name, sender, reply_to, postal_address)
    )
    show(_fields(newsletter), [f"Created the newsletter {newsletter.slug.text}."], as_json=as_json)


@newsletters.command()
@click.argument("slug")
@click.option("--name", help="Shown to readers, also as the sender's name.")
@click.option("--sender", help="E-mail address in From; '' for the service's own.")
@click.option("--reply-to", help="E-mail address for answers; '' for none.")
@click.option("--postal-address", help="The sender's postal address, in every issue; '' for none.")
@json_option
def edit(
    slug: str, name: str | None, sender: str | None, reply_to: str | None, postal_address: str | None, as_json: bool
) -> None:
    """Change settings of the newsletter SLUG; what is not given stays as it is.

    Mails that are still to be sent take the new settings too.
    """
    changes = {"name": name, "sender": sender, "reply_to": reply_to, "postal_address": postal_address}
    if all(value is None for value in changes.values()):
        raise click.UsageError("Nothing to change: give an option for what is to be different.")

    async def verb(runtime: Runtime) -> tuple[Newsletter, Newsletter]:
        before = await naming_newsletters(runtime, runtime.application.find_newsletter(slug))
        return before, await runtime.application.edit_newsletter(terminal(), slug, **changes)

    before, after = run_with(verb)
    show(_fields(after), _lines(after), as_json=as_json)
    click.echo("Nothing was different." if before == after else "Saved.", err=True)


@newsletters.command("list")
@json_option
def list_(as_json: bool) -> None:
    """Show all newsletters by slug, with what is set of each."""
    found = run_with(lambda runtime: runtime.application.list_newsletters())
    lines = [line for newsletter in found for line in _lines(newsletter)]
    show([_fields(newsletter) for newsletter in found], lines, as_json=as_json)


def _lines(newsletter: Newsletter) -> list[str]:
    """Slug and name, and below them, indented by a tab, what is set besides."""
    fields = {name.replace("_", "-"): value for name, value in _fields(newsletter).items()}
    del fields["id"], fields["slug"], fields["name"]
    heading = f"{newsletter.slug.text}\t{newsletter.name}"
    return [heading, *(f"\t{name}\t{', '.join(value.splitlines())}" for name, value in fields.items() if value)]


def _fields(newsletter: Newsletter) -> dict[str, str | None]:
    return {
        "id": str(newsletter.id),
        "slug": newsletter.slug.text,
        "name": newsletter.name,
        "sender": newsletter.sender.text if newsletter.sender else None,
        "reply_to": newsletter.reply_to.text if newsletter.reply_to else None,
        "postal_address": newsletter.postal_address,
    }
