"""``zero2prod issues failures``."""

import click

from zero2prod.commands.issue_ids import issue_id as id_of_issue
from zero2prod.commands.issue_ids import recipient_id
from zero2prod.commands.tables import columns
from zero2prod.commands.terminal import json_option, run_with, show
from zero2prod_core.domain.deliveries import FailedDelivery
from zero2prod_core.domain.progress_reports import told_of_failure, words_of_reply

HEAD = ("recipient", "e-mail address", "attempts", "the server's words")

ERASED = "(erased)"
"""In place of the e-mail address of a recipient who has none any more."""


@click.command()
@click.argument("issue_id", metavar="ID")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000), help="How many are listed.")
@click.option("--after", help="List those behind this recipient: the last one of the list before.")
@json_option
def failures(issue_id: str, limit: int, after: str | None, as_json: bool) -> None:
    """List the mails of an issue that failed: to whom, after how many tries, and why.

    Once the issue is finished, `issues resend` tries all of them again.
    """
    wanted = id_of_issue(issue_id)
    behind = recipient_id(after, "--after", "failures") if after else None
    found = run_with(lambda runtime: runtime.application.list_failures(wanted, limit, behind))
    lines = columns(HEAD, [_row(each) for each in found]) if found else ["No mail of this issue has failed."]
    show([told_of_failure(each) for each in found], lines, as_json=as_json)
    if len(found) == limit:
        click.echo(f"There may be more: --after {found[-1].key.recipient}", err=True)


def _row(failed: FailedDelivery) -> tuple[str, ...]:
    email = failed.email.text if failed.email else ERASED
    return str(failed.key.recipient), email, str(failed.attempts), words_of_reply(failed.reply)
