"""``zero2prod issues``."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import UUID, uuid4

import click

from zero2prod.commands.terminal import json_option, naming_newsletters, run_with, show, terminal
from zero2prod.runtime import Runtime
from zero2prod_core.domain.deliveries import DeliveryState
from zero2prod_core.domain.idempotency import IdempotencyKey
from zero2prod_core.domain.issues import Content, Issue
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER, Newsletter, Slug
from zero2prod_core.errors import FieldInvalid, IssueUnknown
from zero2prod_core.usecases.issues import IssueProgress, Publication


@click.group()
def issues() -> None:
    """Issues: publish them, and see how far they are."""


@issues.command()
@click.option("--title", required=True, help="Becomes the subject of the mail: one line of 1 to 200 characters.")
@click.option("--text", type=click.Path(path_type=Path), help="File with the text part, in UTF-8.")
@click.option("--html", type=click.Path(path_type=Path), help="File with the HTML part, in UTF-8.")
@click.option("--newsletter", default=DEFAULT_NEWSLETTER.slug.text, show_default=True, help="The newsletter's slug.")
@click.option(
    "--idempotency-key",
    help="1 to 50 printable characters. With the same key and content an issue is published once, however often the "
    "command is run; kept for 24 hours.",
)
@json_option
def publish(
    title: str, text: Path | None, html: Path | None, newsletter: str, idempotency_key: str | None, as_json: bool
) -> None:
    """Publish an issue to every confirmed subscriber of a newsletter.

    At least one of text and HTML must be given, each of at most 1 MiB.
    """
    content = Content.parse(title, _read(text, "text"), _read(html, "html"))
    key = IdempotencyKey.parse(idempotency_key if idempotency_key is not None else uuid4().hex)
    publication = Publication(Slug.parse(newsletter), content, key)
    issue = run_with(lambda runtime: naming_newsletters(runtime, runtime.application.publish(publication, terminal())))
    show(
        _fields(issue),
        [f"Published {issue.id} to {issue.audience} {'reader' if issue.audience == 1 else 'readers'}."],
        as_json=as_json,
    )


def _read(path: Path | None, option: str) -> str:
    if path is None:
        return ""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise FieldInvalid(
            f"--{option}", f"{path} cannot be read ({error.strerror})", "Give a file that exists"
        ) from None
    except UnicodeDecodeError:
        raise FieldInvalid(f"--{option}", f"{path} is not in UTF-8", "Save it as UTF-8") from None


@issues.command("list")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000), help="How many, newest first.")
@json_option
def list_(limit: int, as_json: bool) -> None:
    """Show the newest issues: id, newsletter, date (UTC), state, number of recipients and title."""

    async def verb(runtime: Runtime) -> tuple[Sequence[Issue], Sequence[Newsletter]]:
        return await runtime.application.list_issues(limit), await runtime.application.list_newsletters()

    found, newsletters = run_with(verb)
    slugs = {newsletter.id: newsletter.slug.text for newsletter in newsletters}
    show([_fields(issue) for issue in found], _table(found, slugs), as_json=as_json)


def _table(found: Sequence[Issue], slugs: Mapping[UUID, str]) -> list[str]:
    """In columns under a head line; the title is last, as it may be long and of wide characters."""
    head = ("id", "newsletter", "date", "state", "recipients", "title")
    rows = [head, *(_row(issue, slugs[issue.newsletter]) for issue in found)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    if not found:
        return ["There are no issues yet."]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _row(issue: Issue, slug: str) -> tuple[str, ...]:
    day = (issue.published_at or issue.created_at).date()
    return str(issue.id), slug, day.isoformat(), issue.state.value, str(issue.audience), issue.title


@issues.command("show")
@click.argument("issue_id", metavar="ID")
@json_option
def show_(issue_id: str, as_json: bool) -> None:
    """Show one issue, with the number of its deliveries in each state that has any."""
    wanted = _id(issue_id)
    progress = run_with(lambda runtime: runtime.application.show_issue(wanted))
    sums = {str(state): progress.sums.get(state, 0) for state in DeliveryState}
    show({**_fields(progress.issue), "sums": sums}, _lines(progress), as_json=as_json)


@issues.command()
@click.argument("issue_id", metavar="ID")
@json_option
def resume(issue_id: str, as_json: bool) -> None:
    """Go on with an issue that paused, once the reason is mended.

    `issues show` tells the reason.
    """
    wanted = _id(issue_id)
    issue = run_with(lambda runtime: runtime.application.resume_issue(terminal(), wanted))
    show(_fields(issue), [f"Resumed {issue.id}."], as_json=as_json)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise IssueUnknown(text) from None


def _lines(progress: IssueProgress) -> list[str]:
    issue = progress.issue
    heading = [f"{issue.title}", f"state\t{issue.state}", f"recipients\t{issue.audience}"]
    if issue.pause_reason:
        heading.append(f"paused\t{issue.pause_reason}")
    return heading + [f"{state}\t{sum_}" for state in DeliveryState if (sum_ := progress.sums.get(state, 0))]


def _fields(issue: Issue) -> dict[str, object]:
    return {
        "id": str(issue.id),
        "title": issue.title,
        "state": issue.state.value,
        "audience": issue.audience,
        "published_at": issue.published_at,
        "finished_at": issue.finished_at,
        "pause_reason": issue.pause_reason,
    }
