"""``zero2prod admin``: accounts of the staff."""

import sys

import click

from adapters_system.common_passwords import load_common_passwords
from zero2prod.commands.terminal import json_option, run_with, show, terminal
from zero2prod.runtime import Runtime
from zero2prod_core.domain.accounts import Username
from zero2prod_core.domain.email_addresses import EmailAddress
from zero2prod_core.domain.passwords import Password

password_option = click.option(
    "--password-stdin",
    is_flag=True,
    help="Read the password from the first line of standard input instead of making a link.",
)


@click.group()
def admin() -> None:
    """Accounts of the staff."""


@admin.command()
@click.argument("username")
@click.option("--email", default="", help="E-mail address of the account's owner; without it the account gets no mail.")
@password_option
@json_option
def create(username: str, email: str, password_stdin: bool, as_json: bool) -> None:
    """Add an account; prints a one-time link with which its owner chooses the password.

    The link works for 24 hours.
    """
    name = Username.parse(username)
    address = EmailAddress.parse(email) if email else None
    password = _read_password() if password_stdin else None

    async def verb(runtime: Runtime) -> str | None:
        await runtime.application.accounts.create(terminal(), name, address)
        return await _open(runtime, name, password)

    _tell(name, run_with(verb), as_json=as_json)
    if address is None:
        click.echo("This account has no e-mail address, so it gets no mail.", err=True)


@admin.command("reset-password")
@click.argument("username")
@password_option
@json_option
def reset_password(username: str, password_stdin: bool, as_json: bool) -> None:
    """Print a one-time link with which the account's owner chooses a new password.

    The link before it stops working. The old password works until a new one is chosen; then every session of the
    account ends.
    """
    name = Username.parse(username)
    password = _read_password() if password_stdin else None
    _tell(name, run_with(lambda runtime: _open(runtime, name, password)), as_json=as_json)


async def _open(runtime: Runtime, name: Username, password: str | None) -> str | None:
    """Set the password, or make a link for choosing it."""
    if password is None:
        return await runtime.application.accounts.make_set_up_link(terminal(), name)
    await runtime.application.accounts.set_password(terminal(), name, password)
    return None


def _read_password() -> str:
    """The first line of standard input, checked before anything is changed."""
    typed = sys.stdin.buffer.readline().decode("utf-8", "surrogateescape")
    return Password.parse(typed.rstrip("\r\n"), load_common_passwords(), "--password-stdin").text


def _tell(name: Username, link: str | None, *, as_json: bool) -> None:
    lines = [f"Open this link once, within 24 hours, to choose the password of {name.text}:", link or ""]
    if link is None:
        lines = [f"The password of {name.text} is set."]
    show({"username": name.text, "link": link}, lines, as_json=as_json)
