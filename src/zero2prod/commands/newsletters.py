"""``zero2prod newsletters``."""

import click

from zero2prod.commands.terminal import json_option, run_with, show, terminal
from zero2prod_core.domain.newsletters import Newsletter


@click.group()
def newsletters() -> None:
    """Newsletters: what people subscribe to. A default one exists from the start."""


@newsletters.command()
@click.argument("slug")
@click.option("--name", required=True, help="Shown to readers, also as the sender's name.")
@click.option("--sender", default="", help="E-mail address in From; default: the service's own.")
@click.option("--reply-to", default="", help="E-mail address for answers.")
@click.option("--postal-address", default="", help="The sender's postal address, kept with the newsletter.")
@json_option
def create(slug: str, name: str, sender: str, reply_to: str, postal_address: str, as_json: bool) -> None:
    """Add a newsletter; SLUG names it in links and forms."""
    newsletter = run_with(
        lambda runtime: runtime.application.create_newsletter(terminal(), slug, name, sender, reply_to, postal_address)
    )
    show(_fields(newsletter), [f"Created the newsletter {newsletter.slug.text}."], as_json=as_json)


@newsletters.command("list")
@json_option
def list_(as_json: bool) -> None:
    """Show all newsletters."""
    found = run_with(lambda runtime: runtime.application.list_newsletters())
    lines = [f"{newsletter.slug.text}\t{newsletter.name}" for newsletter in found]
    show([_fields(newsletter) for newsletter in found], lines, as_json=as_json)


def _fields(newsletter: Newsletter) -> dict[str, str | None]:
    return {
        "id": str(newsletter.id),
        "slug": newsletter.slug.text,
        "name": newsletter.name,
        "sender": newsletter.sender.text if newsletter.sender else None,
        "reply_to": newsletter.reply_to.text if newsletter.reply_to else None,
        "postal_address": newsletter.postal_address,
    }
