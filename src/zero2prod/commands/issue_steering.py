"""``zero2prod issues pause``, ``resume``, ``cancel``, ``resend`` and ``uncertain``."""

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import click

from zero2prod.commands.issue_failures import ERASED
from zero2prod.commands.issue_ids import issue_id, recipient_id
from zero2prod.commands.tables import columns
from zero2prod.commands.terminal import json_option, run_with, show, terminal
from zero2prod.runtime import Runtime
from zero2prod_core.application import Application
from zero2prod_core.domain.deliveries import InDoubt, Resolution
from zero2prod_core.domain.issues import Issue
from zero2prod_core.domain.progress_reports import IssueProgress, told_of_doubt, told_of_issue, words_of_reply

DOUBTS = ("recipient", "e-mail address", "attempts", "sent again (UTC)", "the server's words")

id_argument = click.argument("issue_id", metavar="ID")


def _steer(verb: Callable[[Application, UUID], Awaitable[Issue]], typed: str, sentence: str, *, as_json: bool) -> None:
    """Do it, and say so in a sentence about the issue's id."""
    wanted = issue_id(typed)
    issue = run_with(lambda runtime: _awaited(verb(runtime.application, wanted)))
    show(told_of_issue(issue), [sentence.format(issue.id)], as_json=as_json)


async def _awaited(issue: Awaitable[Issue]) -> Issue:
    return await issue


@click.command()
@id_argument
@json_option
def pause(issue_id: str, as_json: bool) -> None:
    """Stop sending an issue for now.

    Mails that are completed at this moment still arrive; no other is begun until `issues resume`.
    """
    sentence = "Paused {}. Mails under way in this moment still arrive."
    _steer(lambda app, id_: app.pause_issue(terminal(), id_), issue_id, sentence, as_json=as_json)


@click.command()
@id_argument
@json_option
def resume(issue_id: str, as_json: bool) -> None:
    """Go on with an issue that paused, once the reason is mended.

    `issues show` tells the reason.
    """
    _steer(lambda app, id_: app.resume_issue(terminal(), id_), issue_id, "Resumed {}.", as_json=as_json)


@click.command()
@id_argument
@json_option
def cancel(issue_id: str, as_json: bool) -> None:
    """Never send the rest of an issue; this cannot be undone.

    What was sent stays sent. Mails that wait are cancelled within seconds, by a worker.
    """
    sentence = "Cancelled {}. What was sent stays sent; what waits is never sent."
    _steer(lambda app, id_: app.cancel_issue(terminal(), id_), issue_id, sentence, as_json=as_json)


@click.command()
@id_argument
@json_option
def resend(issue_id: str, as_json: bool) -> None:
    """Try the failed mails of a finished issue once more, with all their retries."""
    sentence = "Sending what failed of {} again."
    _steer(lambda app, id_: app.resend_issue(terminal(), id_), issue_id, sentence, as_json=as_json)


@click.command()
@id_argument
@click.option("--resend", is_flag=True, help="Send them once more: some may come twice.")
@click.option("--accept", is_flag=True, help="Count them as sent: some may be missing.")
@click.option("--all", "everyone", is_flag=True, help="Decide about all of them.")
@click.option(
    "--recipient", "recipients", multiple=True, help="Decide about this one, by its id in the list; repeatable."
)
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000), help="How many are listed.")
@click.option("--after", help="List those behind this recipient: the last one of the list before.")
@json_option
def uncertain(
    issue_id: str,
    resend: bool,
    accept: bool,
    everyone: bool,
    recipients: Sequence[str],
    limit: int,
    after: str | None,
    as_json: bool,
) -> None:
    """List the mails of an issue whose answer was lost, or decide about them.

    Such a mail was complete when the connection broke: it may have arrived or not. The list has each recipient's id,
    e-mail address, number of tries, the time (UTC) from which it is sent again by itself, or "held" where it waits for
    you, and what the server said last.
    """
    if not (resend or accept or everyone or recipients):
        _list(issue_id, limit, after, as_json=as_json)
        return
    if resend == accept:
        raise click.UsageError("Say what is to become of them: --resend or --accept.")
    if everyone == bool(recipients):
        raise click.UsageError("Say of whom: --all, or one --recipient or more.")
    resolution = Resolution.RESEND if resend else Resolution.ACCEPT
    _resolve(issue_id, resolution, None if everyone else recipients, as_json=as_json)


def _list(typed: str, limit: int, after: str | None, *, as_json: bool) -> None:
    wanted, behind = issue_id(typed), recipient_id(after, "--after") if after else None

    async def verb(runtime: Runtime) -> tuple[Sequence[InDoubt], IssueProgress]:
        application = runtime.application
        return await application.list_uncertain(wanted, limit, behind), await application.show_issue(wanted)

    found, progress = run_with(verb)
    rows = [_row(doubt, resends=progress.resends) for doubt in found]
    lines = columns(DOUBTS, rows) if rows else ["No mail of this issue is in doubt."]
    show([told_of_doubt(doubt) for doubt in found], lines, as_json=as_json)
    if len(found) == limit:
        click.echo(f"There may be more: --after {found[-1].key.recipient}", err=True)


def _row(doubt: InDoubt, *, resends: bool) -> tuple[str, ...]:
    email = doubt.email.text if doubt.email else ERASED
    again = f"{doubt.resend_at:%Y-%m-%d %H:%M:%S}" if resends else "held"
    heard = words_of_reply(doubt.reply) if doubt.reply else "(nothing: its worker ended)"
    return str(doubt.key.recipient), email, str(doubt.attempts), again, heard


def _resolve(typed: str, resolution: Resolution, recipients: Sequence[str] | None, *, as_json: bool) -> None:
    wanted = issue_id(typed)
    chosen = None if recipients is None else {recipient_id(each, "--recipient") for each in recipients}
    count = run_with(lambda runtime: runtime.application.resolve_uncertain(terminal(), wanted, resolution, chosen))
    mails = f"{count} {'mail' if count == 1 else 'mails'}"
    done = f"Sending {mails} once more." if resolution is Resolution.RESEND else f"Counted {mails} as sent."
    show({"resolution": resolution.value, "deliveries": count}, [done], as_json=as_json)
    if chosen is not None and count < len(chosen):
        click.echo(f"The other {len(chosen) - count} were not in doubt.", err=True)
