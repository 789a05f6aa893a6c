"""``zero2prod issues``."""

import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from uuid import UUID, uuid4

import click

from zero2prod.commands.issue_failures import failures
from zero2prod.commands.issue_following import Follower, screen_for
from zero2prod.commands.issue_ids import issue_id as id_of_issue
from zero2prod.commands.issue_lines import page_of
from zero2prod.commands.issue_steering import cancel, pause, resend, resume, uncertain
from zero2prod.commands.tables import columns
from zero2prod.commands.terminal import json_option, naming_newsletters, run_with, show, terminal
from zero2prod.runtime import Runtime
from zero2prod_core.application import Application
from zero2prod_core.domain.idempotency import IdempotencyKey
from zero2prod_core.domain.issues import Content, Issue
from zero2prod_core.domain.letters import UncertainPolicy
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER, Newsletter, Slug
from zero2prod_core.domain.progress import Speedometer
from zero2prod_core.domain.progress_reports import ProgressReport, told_of_issue
from zero2prod_core.errors import FieldInvalid
from zero2prod_core.usecases.issues import Publication


@click.group()
def issues() -> None:
    """Issues: publish them, see how far they are, and steer them."""


@issues.command()
@click.option("--title", required=True, help="Becomes the subject of the mail: one line of 1 to 200 characters.")
@click.option("--text", type=click.Path(path_type=Path), help="File with the text part, in UTF-8.")
@click.option("--html", type=click.Path(path_type=Path), help="File with the HTML part, in UTF-8.")
@click.option(
    "--markdown",
    type=click.Path(path_type=Path),
    help="File with Markdown in UTF-8, in place of HTML: both parts are made from it.",
)
@click.option("--newsletter", default=DEFAULT_NEWSLETTER.slug.text, show_default=True, help="The newsletter's slug.")
@click.option(
    "--idempotency-key",
    help="1 to 50 printable characters. With the same key and content an issue is published once, however often the "
    "command is run; kept for 24 hours.",
)
@click.option(
    "--uncertain",
    type=click.Choice([policy.value for policy in UncertainPolicy]),
    help="What becomes of a mail whose answer is lost: sent again, or held for you to decide. As the setting "
    "ZERO2PROD_DELIVERY_UNCERTAIN says where it is not given.",
)
@json_option
def publish(
    title: str,
    text: Path | None,
    html: Path | None,
    markdown: Path | None,
    newsletter: str,
    idempotency_key: str | None,
    uncertain: str | None,
    as_json: bool,
) -> None:
    """Publish an issue to every confirmed subscriber of a newsletter.

    At least one of text, HTML and Markdown must be given, each of at most 1 MiB; HTML and Markdown exclude each other.
    """
    content = Content.parse(title, _read(text, "text"), _read(html, "html"), _read(markdown, "markdown"))
    key = IdempotencyKey.parse(idempotency_key if idempotency_key is not None else uuid4().hex)
    publication = Publication(Slug.parse(newsletter), content, key, UncertainPolicy(uncertain) if uncertain else None)
    issue, again = run_with(lambda runtime: naming_newsletters(runtime, _published(runtime.application, publication)))
    readers = f"{issue.audience} {'reader' if issue.audience == 1 else 'readers'}"
    readers += "" if issue.audience else ", as there was no confirmed one who had not paused"
    done = f"{issue.id} was already published, to {readers}." if again else f"Published {issue.id} to {readers}."
    show(told_of_issue(issue), [done], as_json=as_json)


async def _published(application: Application, publication: Publication) -> tuple[Issue, bool]:
    """And whether it was so already: it is no newer than the newest that there was."""
    newest = await application.list_issues(1)
    issue = await application.publish(publication, terminal())
    return issue, any(issue.id == each.id or issue.created_at < each.created_at for each in newest)


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
    show([told_of_issue(issue) for issue in found], _table(found, slugs), as_json=as_json)


def _table(found: Sequence[Issue], slugs: Mapping[UUID, str]) -> list[str]:
    """In columns under a head line; the title is last, as it may be long and of wide characters."""
    head = ("id", "newsletter", "date", "state", "recipients", "title")
    rows = [_row(issue, slugs[issue.newsletter]) for issue in found]
    return columns(head, rows) if rows else ["There are no issues yet."]


def _row(issue: Issue, slug: str) -> tuple[str, ...]:
    day = (issue.published_at or issue.created_at).date()
    return str(issue.id), slug, day.isoformat(), issue.state.value, str(issue.audience), issue.title


@issues.command("show")
@click.argument("issue_id", metavar="ID")
@click.option(
    "--follow",
    is_flag=True,
    help="Watch it until it is over: a bar with rate, sums and time left, or one line for each change where the output "
    "is no terminal. Ctrl-C leaves; the issue goes on.",
)
@json_option
def show_(issue_id: str, follow: bool, as_json: bool) -> None:
    """Show one issue: its deliveries by state, and what keeps it from going on, with the remedy."""
    wanted = id_of_issue(issue_id)
    if follow:
        _follow(wanted, as_json=as_json)
        return
    report = ProgressReport(run_with(lambda runtime: runtime.application.show_issue(wanted)), Speedometer())
    show(report.told(), page_of(report), as_json=as_json)


def _follow(wanted: UUID, *, as_json: bool) -> None:
    """Interrupted, it ends like one that has seen enough."""
    screen = screen_for(as_json=as_json, is_terminal=sys.stdout.isatty())

    async def verb(runtime: Runtime) -> None:
        await Follower(lambda: runtime.application.show_issue(wanted), screen, time.monotonic)()

    with suppress(KeyboardInterrupt):
        run_with(verb)


for command in (pause, resume, cancel, resend, failures, uncertain):
    issues.add_command(command)
