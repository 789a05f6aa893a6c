"""Accounts, newsletters and issues from a terminal."""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import attrs
import pytest

from tests.support.core import ADA, PASSWORD, SENT, token_in
from tests.support.terminal import Terminal, wait
from zero2prod import running_settings
from zero2prod.testing.builders import origin
from zero2prod_core.domain.deliveries import Reply, SenderFault
from zero2prod_core.domain.issues import IssueState
from zero2prod_core.domain.letters import UncertainPolicy
from zero2prod_core.domain.origins import ActorKind


class TestRunningHere:
    """Where no database is given, commands are for the `up` that runs on this machine."""

    @pytest.fixture(autouse=True)
    def running(self, tmp_path: Path) -> None:
        (tmp_path / "data").mkdir()
        told = {"ZERO2PROD_DATABASE_URL": "postgresql://127.0.0.1/here", "ZERO2PROD_HTTP_PORT": "9000"}
        (tmp_path / "data" / running_settings.NAME).write_text(json.dumps(told))

    def test_its_settings_are_taken(self, typist: Terminal) -> None:
        assert typist.type("--data-dir", "data", "newsletters", "list").status == 0
        assert typist.settings
        assert typist.settings.database.url == "postgresql://127.0.0.1/here"
        assert typist.settings.http.port == 9000

    def test_unless_a_database_is_given(self, typist: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ZERO2PROD_DATABASE_URL", "postgresql://127.0.0.1/other")
        typist.type("--data-dir", "data", "newsletters", "list")
        assert typist.settings
        assert typist.settings.database.url == "postgresql://127.0.0.1/other"
        assert typist.settings.http.port == 8000

    def test_what_is_given_wins_over_them(
        self, typist: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ZERO2PROD_HTTP_PORT", "9001")
        monkeypatch.setenv("ZERO2PROD_DELIVERY_SENDER_RATES", "5/s")
        (tmp_path / "zero2prod.toml").write_text("[mail]\nsmtp_url = 'smtp://relay.example.com:25'\n")
        told = {"ZERO2PROD_DATABASE_URL": "postgresql://127.0.0.1/here", "ZERO2PROD_HTTP_PORT": "9000"}
        told |= {"ZERO2PROD_MAIL_SMTP_URL": "smtp://127.0.0.1:2525", "ZERO2PROD_DELIVERY_SENDER_RATES": "1/s"}
        (tmp_path / "data" / running_settings.NAME).write_text(json.dumps(told))
        assert typist.type("--data-dir", "data", "newsletters", "list").status == 0
        assert typist.settings
        assert typist.settings.database.url == "postgresql://127.0.0.1/here"
        assert (typist.settings.http.port, typist.settings.delivery.sender_rates) == (9001, "5/s")
        assert typist.settings.mail.smtp_url == "smtp://relay.example.com:25"

    def test_commands_that_are_told_to_type_reach_it_too(self, typist: Terminal) -> None:
        unknown = "00000000-0000-7000-8000-000000000009"
        for option in (("--data-dir", "data"), ("--data-dir=data",)):
            said = typist.refused(*option, "issues", "show", unknown)
            assert said.endswith(f"Those that there are: zero2prod {' '.join(option)} issues list")

    def test_a_directory_that_is_not_there_is_refused(self, typist: Terminal, tmp_path: Path) -> None:
        said = typist.refused("--data-dir", "nowhere", "newsletters", "list", status=2)
        rule = f"there is no directory {tmp_path}/nowhere. Name the one that `up` was started with."
        assert said == f"--data-dir: {rule}"

    def test_one_on_which_none_runs_is_refused(self, typist: Terminal, tmp_path: Path) -> None:
        said = typist.refused("--data-dir", ".", "newsletters", "list", status=2)
        start = f"zero2prod up --data-dir {tmp_path}"
        assert said == f"--data-dir: no `up` runs on {tmp_path}. Start it with: {start}"


class TestAdmin:
    def test_creating_prints_a_link_that_opens_the_account(self, typist: Terminal) -> None:
        done = typist.type("admin", "create", "ursula", "--email", "ursula@example.com")
        assert (done.status, done.err) == (0, "")
        heading, link = done.out.splitlines()
        assert heading == "Open this link once, within 24 hours, to choose the password of ursula:"
        made = wait(typist.core.application.accounts.check_set_up_link(token_in(link)))
        assert made.email
        assert (made.username.text, made.email.text) == ("ursula", "ursula@example.com")

    def test_the_audit_log_says_that_it_was_done_from_a_terminal(self, typist: Terminal) -> None:
        typist.type("admin", "create", "ursula")
        assert {event.origin.actor.kind for event in wait(typist.core.audit())} == {ActorKind.TERMINAL}

    def test_without_an_e_mail_address_it_says_what_follows(self, typist: Terminal) -> None:
        done = typist.type("admin", "create", "ursula", "--json")
        assert done.status == 0
        assert done.told["username"] == "ursula"
        assert urlsplit(done.told["link"]).path == "/setup"
        assert done.err == "This account has no e-mail address, so it gets no mail.\n"

    def test_a_password_may_come_from_stdin(self, typist: Terminal) -> None:
        done = typist.type("admin", "create", "ursula", "--password-stdin", stdin=f"{PASSWORD}\r\nmore\n".encode())
        assert (done.status, done.out) == (0, "The password of ursula is set.\n")
        assert wait(typist.core.application.log_in(origin(), "ursula", PASSWORD)).text

    @pytest.mark.parametrize("stdin", [b"", b"\n", b"short\n", b"a sentence \xff of mine\n", b"000000123456789\n"])
    def test_one_that_is_not_acceptable_leaves_no_account(self, typist: Terminal, stdin: bytes) -> None:
        said = typist.refused("admin", "create", "ursula", "--password-stdin", stdin=stdin)
        assert said.startswith("--password-stdin: ")
        assert wait(typist.core.application.accounts.list()) == []

    @pytest.mark.parametrize(
        ("arguments", "field"),
        [(("-a-",), "username"), (("ursula", "--email", "nobody"), "email"), (("taken",), "username")],
    )
    def test_a_refusal_names_the_field(self, typist: Terminal, arguments: Sequence[str], field: str) -> None:
        wait(typist.core.account("taken", None))
        said = typist.refused("admin", "create", *arguments[1:], "--", arguments[0])
        assert said.startswith(f"{field}: ")

    def test_a_reset_link_is_for_accounts_that_exist(self, typist: Terminal) -> None:
        assert typist.refused("admin", "reset-password", "ursula") == "username: no account is called ursula."
        wait(typist.core.account())
        done = typist.type("admin", "reset-password", "ursula", "--json")
        assert (
            wait(typist.core.application.accounts.check_set_up_link(token_in(done.told["link"]))).username.text
            == "ursula"
        )

    def test_a_password_can_be_reset_from_stdin(self, typist: Terminal) -> None:
        wait(typist.core.account())
        done = typist.type("admin", "reset-password", "ursula", "--password-stdin", "--json", stdin=b"another sentence")
        assert done.told == {"username": "ursula", "link": None}
        assert wait(typist.core.application.log_in(origin(), "ursula", "another sentence")).text


class TestNewsletters:
    def test_one_that_is_created_stands_in_the_list(self, typist: Terminal) -> None:
        done = typist.type("newsletters", "create", "daily", "--name", "The Daily", "--sender", "daily@example.com")
        assert (done.status, done.out, done.err) == (0, "Created the newsletter daily.\n", "")
        listed = typist.type("newsletters", "list").out
        assert listed == "daily\tThe Daily\n\tsender\tdaily@example.com\ndefault\tNewsletter\n"

    def test_programs_get_every_field(self, typist: Terminal) -> None:
        made = typist.type(
            "newsletters", "create", "daily", "--name", "D", "--reply-to", "e@example.com", "--json"
        ).told
        assert made == typist.type("newsletters", "list", "--json").told[0]
        assert made.keys() == {"id", "slug", "name", "sender", "reply_to", "postal_address", "fields", "tags"}
        assert (made["reply_to"], made["sender"]) == ("e@example.com", None)

    def test_editing_changes_what_is_given_and_no_more(self, typist: Terminal) -> None:
        typist.type("newsletters", "edit", "default", "--reply-to", "e@example.com", "--postal-address", "1 Road\nTown")
        done = typist.type("newsletters", "edit", "default", "--name", "News", "--sender", "news@example.com")
        assert (done.status, done.err) == (0, "Saved.\n")
        assert done.out.splitlines() == [
            "default\tNews",
            "\tsender\tnews@example.com",
            "\treply-to\te@example.com",
            "\tpostal-address\t1 Road, Town",
        ]
        assert typist.type("newsletters", "list").out == done.out

    def test_an_edit_that_changes_nothing_says_so(self, typist: Terminal) -> None:
        assert typist.type("newsletters", "edit", "default", "--name", "Newsletter").err == "Nothing was different.\n"

    def test_fields_and_tags_are_added_changed_and_removed_by_name(self, typist: Terminal) -> None:
        edit = ("newsletters", "edit", "default")
        typist.type(*edit, "--field", 'city: text "City"', "--field", 'age: number "Age"', "--tag", "art: Art")
        done = typist.type(*edit, "--field", 'city: text required "Where?"', "--remove-field", "age", "--tag", "tv: TV")
        assert done.out.splitlines() == [
            "default\tNewsletter",
            '\tfield\tcity: text required "Where?"',
            '\ttag\tart: "Art"',
            '\ttag\ttv: "TV"',
        ]
        assert typist.type("newsletters", "list").out == done.out
        (told,) = typist.type("newsletters", "list", "--json").told
        assert told["fields"] == [{"name": "city", "label": "Where?", "type": "text", "required": True, "choices": []}]
        refused = typist.refused(*edit, "--remove-tag", "golf")
        assert refused.startswith("--remove-tag: 'golf' cannot be removed, for there is none of this name")
        assert refused.endswith("Known are art, tv.")
        assert typist.type(*edit, "--remove-tag", "art", "--json").told["tags"] == [{"name": "tv", "label": "TV"}]

    def test_an_empty_text_clears(self, typist: Terminal) -> None:
        typist.type("newsletters", "edit", "default", "--reply-to", "e@example.com", "--postal-address", "1 Road")
        told = typist.type("newsletters", "edit", "default", "--reply-to", "", "--json").told
        assert (told["reply_to"], told["postal_address"]) == (None, "1 Road")
        assert told == typist.type("newsletters", "list", "--json").told[0]

    @pytest.mark.parametrize(
        ("arguments", "status", "said"),
        [
            (("deafult", "--name", "D"), 1, "newsletter: there is no newsletter 'deafult'. There are: default."),
            (("default", "--name", " "), 1, "name: missing"),
            (("default", "--sender", "nobody"), 1, "sender: "),
            (("default",), 2, "nothing to change: give an option"),
            (("default", "--field", "city"), 1, "--field 'city': has no name with a colon behind it"),
            (("default", "--tag", "Art: Art"), 1, "--tag 'Art: Art': the name 'Art' must be"),
            (("default", "--remove-field", "city"), 1, "--remove-field: 'city' cannot be removed, for there is none"),
        ],
    )
    def test_an_edit_that_cannot_be_is_refused(
        self, typist: Terminal, arguments: Sequence[str], status: int, said: str
    ) -> None:
        assert typist.refused("newsletters", "edit", *arguments, status=status).startswith(said)

    def test_a_refusal_names_the_field(self, typist: Terminal) -> None:
        assert typist.refused("newsletters", "create", "default", "--name", "D").startswith("slug: default is taken")
        assert typist.refused("newsletters", "create", "The Daily", "--name", "D").startswith("slug: must be a slug")


class TestIssues:
    @pytest.fixture
    def words(self, tmp_path: Path) -> str:
        path = tmp_path / "words.txt"
        path.write_text("Слова ☕\n", encoding="utf-8")
        return str(path)

    def test_one_is_published_to_the_confirmed(self, typist: Terminal, words: str) -> None:
        wait(typist.core.confirmed(ADA))
        done = typist.type("issues", "publish", "--title", "News", "--text", words)
        (issue,) = wait(typist.core.application.list_issues())
        assert (done.status, done.out) == (0, f"Published {issue.id} to 1 reader.\n")
        (parcel,) = wait(typist.core.parcels(urgent=False))
        assert (parcel.letter.subject, parcel.letter.text, parcel.letter.html) == ("News", "Слова ☕\n", None)

    def test_markdown_is_a_file_too(self, typist: Terminal, words: str) -> None:
        wait(typist.core.confirmed(ADA))
        assert typist.type("issues", "publish", "--title", "News", "--markdown", words).status == 0
        (parcel,) = wait(typist.core.parcels(urgent=False))
        assert (parcel.letter.text, parcel.letter.markdown) == (None, "Слова ☕\n")

    @pytest.mark.parametrize("policy", list(UncertainPolicy))
    def test_what_becomes_of_doubts_is_chosen_by_its_value(
        self, typist: Terminal, words: str, policy: UncertainPolicy
    ) -> None:
        done = typist.type("issues", "publish", "--title", "News", "--text", words, "--uncertain", policy.value)
        assert done.status == 0
        (issue,) = wait(typist.core.application.list_issues())
        assert wait(typist.core.application.show_issue(issue.id)).letter.uncertain is policy
        assert "[resend|hold]" in typist.type("issues", "publish", "--help").out

    def test_a_file_that_cannot_be_is_named_by_its_option(self, typist: Terminal, tmp_path: Path, words: str) -> None:
        (tmp_path / "long.md").write_text("x" * (1 << 20) + "x")
        arguments = ("--title", "News", "--markdown", str(tmp_path / "long.md"))
        assert typist.refused("issues", "publish", *arguments).startswith("--markdown: ")

    def test_with_one_key_it_is_published_once(self, typist: Terminal, words: str) -> None:
        arguments = ("issues", "publish", "--title", "News", "--html", words, "--idempotency-key", "k", "--json")
        assert typist.type(*arguments).told == typist.type(*arguments).told
        assert len(wait(typist.core.application.list_issues())) == 1
        assert typist.refused(*arguments, "--title", "Other").startswith("idempotency_key: already used")

    def test_the_second_time_it_is_said_to_be_out(self, typist: Terminal, words: str) -> None:
        arguments = ("issues", "publish", "--title", "News", "--html", words, "--idempotency-key", "k")
        first, second = typist.type(*arguments), typist.type(*arguments)
        (issue,) = wait(typist.core.application.list_issues())
        readers = "0 readers, as there was no confirmed one who had not paused"
        assert first.out == f"Published {issue.id} to {readers}.\n"
        assert second.out == f"{issue.id} was already published, to {readers}.\n"

    def test_without_a_key_every_call_publishes(self, typist: Terminal, words: str) -> None:
        for _ in range(2):
            typist.type("issues", "publish", "--title", "News", "--text", words)
        assert len(wait(typist.core.application.list_issues())) == 2

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("--title", "News"), "--text: must be given"),
            (("--title", "", "--text", "words.txt"), "title: missing"),
            (("--title", "News", "--text", "nowhere"), "--text: nowhere cannot be read"),
            (("--title", "News", "--html", "."), "--html: . cannot be read"),
            (("--title", "News", "--html", "words.txt", "--markdown", "words.txt"), "--markdown: cannot stand"),
            (("--title", "News", "--text", "latin"), "--text: latin is not in UTF-8. Save it as UTF-8."),
            (
                ("--title", "News", "--text", "words.txt", "--newsletter", "weekly"),
                "newsletter: there is no newsletter 'weekly'. There are: default.",
            ),
            (("--title", "News", "--text", "words.txt", "--newsletter", "The W"), "newsletter: must be a slug"),
            (("--title", "News", "--text", "words.txt", "--idempotency-key", ""), "idempotency_key: missing"),
        ],
    )
    def test_a_refusal_names_what_to_mend(
        self, typist: Terminal, words: str, arguments: Sequence[str], said: str
    ) -> None:
        Path("latin").write_bytes(b"\xe9t\xe9")
        assert typist.refused("issues", "publish", *arguments).startswith(said)
        assert wait(typist.core.application.list_issues()) == []

    def test_they_are_listed_newest_first(self, typist: Terminal) -> None:
        first, second = [wait(typist.core.published()) for _ in range(2)]
        head, *lines = [line.split() for line in typist.type("issues", "list").out.splitlines()]
        assert head == ["id", "newsletter", "date", "state", "recipients", "title"]
        day = first.created_at.date().isoformat()
        assert lines == [[str(issue.id), "default", day, "sending", "0", "News"] for issue in (second, first)]
        listed = typist.type("issues", "list", "--limit", "1", "--json").told
        assert [found["id"] for found in listed] == [str(second.id)]

    def test_the_columns_stand_below_each_other(self, typist: Terminal) -> None:
        wait(typist.core.published())
        head, line = typist.type("issues", "list").out.splitlines()
        assert [head.index(word) for word in ("state", "title")] == [line.index(word) for word in ("sending", "News")]

    def test_without_issues_the_list_says_so(self, typist: Terminal) -> None:
        assert typist.type("issues", "list").out == "There are no issues yet.\n"
        assert typist.type("issues", "list", "--json").told == []

    def test_one_is_shown_with_its_sums(self, typist: Terminal) -> None:
        issue = wait(typist.core.published("a@example.com", "b@example.com"))
        wait(typist.core.send(wait(typist.core.parcels(urgent=False))[0], outcome=SENT))
        told = typist.type("issues", "show", str(issue.id), "--json").told
        assert (told["state"], told["audience"]) == ("sending", 2)
        assert issue.published_at == datetime.fromisoformat(told["published_at"])
        assert (told["sums"]["sent"], told["sums"]["leased"], told["sums"]["failed"]) == (1, 1, 0)
        lines = typist.type("issues", "show", str(issue.id)).out.splitlines()
        assert lines[:3] == ["News", "state\tsending", "recipients\t2"]
        assert [line.split("\t")[:2] for line in lines[3:]] == [
            ["leased", "1"],
            ["sent", "1"],
            ["in all", "2"],
            ["possibly twice", "0"],
        ]

    def test_a_paused_one_says_why(self, typist: Terminal) -> None:
        issue = wait(typist.core.published("a@example.com"))

        async def pause() -> None:
            async with typist.core.store() as tx:
                paused = attrs.evolve(issue, state=IssueState.PAUSED, pause_reason="530 log in first")
                await tx.issues.save(paused)

        wait(pause())
        assert "paused\t530 log in first" in typist.type("issues", "show", str(issue.id)).out

    def test_a_paused_one_is_resumed(self, typist: Terminal) -> None:
        issue = wait(typist.core.published("a@example.com"))
        wait(typist.core.send(*wait(typist.core.parcels(urgent=False)), outcome=SenderFault(Reply(530, "log in"))))
        done = typist.type("issues", "resume", str(issue.id))
        assert (done.status, done.out) == (0, f"Resumed {issue.id}.\n")
        assert typist.type("issues", "show", str(issue.id), "--json").told["state"] == "sending"
        assert (
            typist.refused("issues", "resume", str(issue.id))
            == "issue: cannot resume while sending. It is on its way already."
        )

    @pytest.mark.parametrize("command", ["show", "resume"])
    @pytest.mark.parametrize("id_", ["42", "00000000-0000-7000-8000-000000000009"])
    def test_one_that_does_not_exist_is_refused(self, typist: Terminal, command: str, id_: str) -> None:
        assert typist.refused("issues", command, id_) == (
            f"issue: there is no issue {id_}. Those that there are: zero2prod issues list"
        )
