"""The mailers that need no relay."""

import io

from adapters_email.console import ConsoleMailer
from adapters_email.memory import InMemoryMailer
from tests.support.desks import RecordingDesk
from tests.support.parcels import CONFIRMATION, LINK, issue, parcel, parsed
from zero2prod_core.domain.deliveries import Deferred, Outcome, Reply, SenderFault, Sent, Uncertain
from zero2prod_core.ports.mailer import Mailer, Parcel


async def settled(mailer: Mailer, *parcels: Parcel) -> RecordingDesk:
    desk = RecordingDesk(parcels)
    await mailer.run(desk)
    return desk


async def test_memory_keeps_what_it_sends_and_reports_it_after_its_mark() -> None:
    mailer = InMemoryMailer()
    first, second = parcel(to="a@example.com"), parcel(to="b@example.com")
    desk = await settled(mailer, first, second)
    assert [mail.envelope.recipient for mail in mailer.mails] == ["a@example.com", "b@example.com"]
    assert parsed(mailer.mails[0].content)["Message-ID"] == first.message_id
    sent = Sent(Reply(250, "2.0.0 kept"))
    assert desk.settled == [
        ((), (first.mark,)),
        ((first.report(sent),), ()),
        ((), (second.mark,)),
        ((second.report(sent),), ()),
    ]


async def test_memory_does_what_its_script_says() -> None:
    later, lost = Deferred(Reply(450, "later")), Uncertain(Reply(None, "lost"))

    def script(each: Parcel) -> Outcome:
        return lost if each.delivery.email.text.startswith("lost") else later

    mailer = InMemoryMailer(script)
    desk = await settled(mailer, parcel(to="later@example.com"), parcel(to="lost@example.com"))
    assert desk.outcomes == [later, lost]
    assert [mail.envelope.recipient for mail in mailer.mails] == ["lost@example.com"]


async def test_what_is_not_granted_is_neither_sent_nor_reported() -> None:
    mailer = InMemoryMailer()
    refused, granted = parcel(to="a@example.com"), parcel(to="b@example.com")
    desk = RecordingDesk([refused, granted])
    desk.refused = {refused.delivery.key.recipient}
    await mailer.run(desk)
    assert [report.key for report in desk.reports] == [granted.delivery.key]
    assert len(mailer.mails) == 1


async def test_a_letter_that_is_no_mail_is_our_own_fault() -> None:
    desk = await settled(InMemoryMailer(), parcel(issue("line\nbreak")), parcel())
    assert [type(outcome) for outcome in desk.outcomes] == [SenderFault, Sent]
    assert len(desk.marks) == 1


async def test_the_console_shows_a_mail_to_a_person() -> None:
    stream = io.StringIO()
    desk = await settled(ConsoleMailer(stream), parcel(CONFIRMATION), parcel(issue("Grüße 🎉", None, "<p>Hi</p>")))
    shown = stream.getvalue()
    assert "To: ursula@example.com\n" in shown
    assert f"\n{LINK}\n" in shown
    assert "Subject: Grüße 🎉\n" in shown
    assert "\n\nHi\n" in shown
    assert "Content-Transfer-Encoding" not in shown
    assert desk.outcomes == [Sent(Reply(250, "2.0.0 printed"))] * 2
