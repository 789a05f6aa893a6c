"""The relay that records and the proxy that cuts: what is proved with them is worth what they are."""

import hashlib
import smtplib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from tests.support.campaigns import Campaign
from tests.support.postgres_proxy import Moment, PostgresProxy
from tests.support.relays import Relay, recording
from tests.support.waiting import PATIENCE

MAIL = b"Message-ID: <1@example.org>\r\n\r\n.One dot,\r\n..two dots, and a full stop.\r\n.\r\n..\r\n"


def client(relay: Relay) -> smtplib.SMTP:
    made = smtplib.SMTP("127.0.0.1", relay.port, timeout=PATIENCE)
    made.ehlo()
    return made


def begin(line: smtplib.SMTP, to: str) -> None:
    assert line.docmd("MAIL", "FROM:<us@example.org>")[0] == 250
    assert line.docmd("RCPT", f"TO:<{to}>")[0] == 250


def test_data_and_chunks_of_one_mail_are_recorded_alike(relay: Relay) -> None:
    with client(relay) as line:
        line.sendmail("us@example.org", ["ada@example.com"], MAIL)
        begin(line, "bob@example.com")
        line.send(b"BDAT 20\r\n" + MAIL[:20])
        assert line.getreply()[0] == 250
        line.send(b"BDAT %d LAST\r\n" % len(MAIL[20:]) + MAIL[20:])
        assert line.getreply()[0] == 250
    first, second = relay.mails
    assert (first.recipient, second.recipient) == ("ada@example.com", "bob@example.com")
    assert first.digest == second.digest == hashlib.sha256(MAIL).hexdigest()
    assert first.message_id == "<1@example.org>"


def test_a_mail_is_recorded_before_it_is_answered_and_not_before_it_is_complete(relay: Relay) -> None:
    relay.hold("dot")
    relay.hold("taken")
    with client(relay) as line, ThreadPoolExecutor() as threads:
        sending = threads.submit(line.sendmail, "us@example.org", ["ada@example.com"], MAIL)
        relay.reached("dot")
        assert relay.mails == []
        relay.go_on("dot")
        relay.reached("taken")
        assert [mail.recipient for mail in relay.mails] == ["ada@example.com"]
        assert not sending.done()
        relay.go_on("taken")
        assert sending.result() == {}


def test_a_dropped_connection_leaves_no_record(relay: Relay) -> None:
    relay.hold("body")
    with client(relay) as line, ThreadPoolExecutor() as threads:
        sending = threads.submit(line.sendmail, "us@example.org", ["ada@example.com"], MAIL)
        relay.reached("body")
        relay.drop("body")
        with pytest.raises(smtplib.SMTPServerDisconnected):
            sending.result()
    relay.emptied()
    assert relay.mails == []


def test_a_quota_lets_no_mail_through_beyond_it(relay: Relay) -> None:
    relay.quota(1)
    with client(relay) as line, ThreadPoolExecutor() as threads:
        line.sendmail("us@example.org", ["ada@example.com"], MAIL)
        assert relay.accepted(1) == 1
        sending = threads.submit(line.sendmail, "us@example.org", ["bob@example.com"], MAIL)
        assert not sending.done()
        relay.quota(2)
        assert sending.result() == {}
    assert len(relay.mails) == 2


@pytest.mark.parametrize("without", ["PIPELINING", "CHUNKING", "8BITMIME", "SIZE", "SMTPUTF8"])
def test_each_extension_is_offered_unless_it_is_not(tmp_path: Path, without: str) -> None:
    with recording(tmp_path, without=[without]) as relay, client(relay) as line:
        offered = set(line.esmtp_features)
    assert offered == {"pipelining", "chunking", "8bitmime", "size", "smtputf8", "help"} - {without.lower()}


@pytest.mark.parametrize(("moment", "written"), [(Moment.BEFORE, 0), (Moment.AFTER, 1)])
def test_a_commit_that_is_cut_was_done_or_not_as_the_moment_says(
    issue: Campaign, proxy: PostgresProxy, moment: Moment, written: int
) -> None:
    def write() -> None:
        with psycopg.connect(proxy.url) as connection:
            connection.execute("/* tests.write */ INSERT INTO numbers VALUES (1) RETURNING 1")

    superuser = issue.database.superuser
    superuser.execute("CREATE TABLE numbers (number integer)")
    superuser.execute("GRANT ALL ON numbers TO PUBLIC")
    with ThreadPoolExecutor() as threads:
        trap = proxy.trap("tests.write", moment, commit=True, full=True)
        writing = threads.submit(write)
        trap.reached()
        trap.cut()
        with pytest.raises(psycopg.OperationalError):
            writing.result()
    assert superuser.execute("SELECT count(*) FROM numbers").fetchall() == [(written,)]


def test_a_statement_that_is_held_goes_on_when_it_is_told_to(proxy: PostgresProxy) -> None:
    def ask() -> object:
        with psycopg.connect(proxy.url) as connection:
            return connection.execute("/* tests.ask */ SELECT %s::integer", [7]).fetchall()

    with ThreadPoolExecutor() as threads:
        trap = proxy.trap("tests.ask", Moment.BEFORE)
        asking = threads.submit(ask)
        trap.reached()
        assert not asking.done()
        trap.go_on()
        assert asking.result() == [(7,)]
