"""``zero2prod newsletters``."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import attrs
import click

from zero2prod.commands.terminal import json_option, naming_newsletters, run_with, show, terminal
from zero2prod.runtime import Runtime
from zero2prod_core.domain.declarations import field_line, parse_fields, parse_tag_lines, tag_line
from zero2prod_core.domain.fields import Field, Tag
from zero2prod_core.domain.newsletters import Newsletter
from zero2prod_core.errors import FieldInvalid

Declared = TypeVar("Declared", Field, Tag)


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
@click.option("--field", "fields", multiple=True, metavar="LINE", help="Ask readers for this too, or differently.")
@click.option("--remove-field", "fields_gone", multiple=True, metavar="NAME", help="Ask for this field no more.")
@click.option("--tag", "tags", multiple=True, metavar="LINE", help="Offer this topic too, or in other words.")
@click.option("--remove-tag", "tags_gone", multiple=True, metavar="NAME", help="Offer this topic no more.")
@json_option
def edit(
    slug: str,
    name: str | None,
    sender: str | None,
    reply_to: str | None,
    postal_address: str | None,
    as_json: bool,
    **lines: Sequence[str],
) -> None:
    """Change settings of the newsletter SLUG; what is not given stays as it is.

    Mails that are still to be sent take the new settings too.

    A field is declared by its name, its type (text, number, date, yes_no or choice) and the words that readers see:

    \b
      --field 'city: text "Where do you live?"'
      --field 'size: choice required "Your size" "Small" "Large"'
      --tag 'music: "Music news"'

    The options may be given several times. What readers answered to a field that is removed is kept, and shown again
    when the field is declared again.
    """
    changes = {"name": name, "sender": sender, "reply_to": reply_to, "postal_address": postal_address}
    if all(value is None for value in changes.values()) and not any(lines.values()):
        raise click.UsageError("Nothing to change: give an option for what is to be different.")

    async def verb(runtime: Runtime) -> tuple[Newsletter, Newsletter]:
        before = await naming_newsletters(runtime, runtime.application.find_newsletter(slug))
        asked = changes | _declarations(before, **lines)
        return before, await runtime.application.edit_newsletter(terminal(), slug, **asked)

    before, after = run_with(verb)
    show(_fields(after), _lines(after), as_json=as_json)
    click.echo("Nothing was different." if before == after else "Saved.", err=True)


def _declarations(
    newsletter: Newsletter,
    fields: Sequence[str],
    fields_gone: Sequence[str],
    tags: Sequence[str],
    tags_gone: Sequence[str],
) -> dict[str, str]:
    """All lines that declare fields and tags, for what is to be changed of the two."""
    changed = {}
    if fields or fields_gone:
        declared = {field.name: field_line(field) for field in newsletter.fields}
        new = {field.name: field_line(field) for field in _parsed("--field", fields, parse_fields)}
        changed["fields"] = _merged("--remove-field", declared, new, fields_gone)
    if tags or tags_gone:
        declared = {tag.name: tag_line(tag) for tag in newsletter.tags}
        new = {tag.name: tag_line(tag) for tag in _parsed("--tag", tags, parse_tag_lines)}
        changed["tags"] = _merged("--remove-tag", declared, new, tags_gone)
    return changed


def _parsed(option: str, lines: Sequence[str], parse: Callable[[str], Sequence[Declared]]) -> Iterator[Declared]:
    """Each option is a line of its own, and named with it where it is refused."""
    for line in lines:
        try:
            yield from parse(line)
        except FieldInvalid as refused:
            rule = refused.fields["rule"].removeprefix("line 1: ")
            raise FieldInvalid(f"{option} {line!r}", rule, refused.fields["remedy"]) from None


def _merged(option: str, declared: dict[str, str], new: dict[str, str], gone: Sequence[str]) -> str:
    unknown = next((name for name in gone if name not in declared), None)
    if unknown is not None:
        known = f"Known are {', '.join(declared)}" if declared else "It has none"
        raise FieldInvalid(option, f"{unknown!r} cannot be removed, for there is none of this name", known)
    return "\n".join(line for name, line in (declared | new).items() if name not in gone or name in new)


@newsletters.command("list")
@json_option
def list_(as_json: bool) -> None:
    """Show all newsletters by slug, with what is set of each."""
    found = run_with(lambda runtime: runtime.application.list_newsletters())
    lines = [line for newsletter in found for line in _lines(newsletter)]
    show([_fields(newsletter) for newsletter in found], lines, as_json=as_json)


def _lines(newsletter: Newsletter) -> list[str]:
    """Slug and name, and below them, indented by a tab, what is set besides."""
    heading, settings = f"{newsletter.slug.text}\t{newsletter.name}", _settings(newsletter)
    set_ = [f"\t{name.replace('_', '-')}\t{', '.join(value.splitlines())}" for name, value in settings.items() if value]
    asked = [f"\tfield\t{field_line(field)}" for field in newsletter.fields]
    return [heading, *set_, *asked, *(f"\ttag\t{tag_line(tag)}" for tag in newsletter.tags)]


def _settings(newsletter: Newsletter) -> dict[str, str | None]:
    return {
        "sender": newsletter.sender.text if newsletter.sender else None,
        "reply_to": newsletter.reply_to.text if newsletter.reply_to else None,
        "postal_address": newsletter.postal_address,
    }


def _fields(newsletter: Newsletter) -> dict[str, object]:
    return {
        "id": str(newsletter.id),
        "slug": newsletter.slug.text,
        "name": newsletter.name,
        **_settings(newsletter),
        "fields": [attrs.asdict(field) for field in newsletter.fields],
        "tags": [attrs.asdict(tag) for tag in newsletter.tags],
    }
