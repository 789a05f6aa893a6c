"""What the service itself writes to readers: the words, and which links they hold."""

import re

import attrs
import pytest

from adapters_email.composing import compose
from tests.support.parcels import parcel, parsed, words
from zero2prod_core.domain.letters import LetterKind, template_letter
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER

LINK = "https://news.example.com/preferences/mine/abcdefghijklmnop"
SLOTS = {
    "newsletter.name": 'The "Daily" & more',
    "preferences.link": LINK,
    "preferences.lasts": "2 hours",
    "preferences.page": "news.example.com/preferences",
}
ANY_LINK = re.compile(r"https?://[^\s\"<>]+")


def mail(kind: LetterKind) -> tuple[str, str, str]:
    """Subject, text and HTML."""
    sent = attrs.evolve(parcel(template_letter(DEFAULT_NEWSLETTER.id, kind)), slots=SLOTS)
    message = parsed(compose(sent).content)
    assert message["Auto-Submitted"] == "auto-generated"
    return str(message["Subject"]), words(message, "plain"), words(message, "html")


def test_a_notice_says_that_there_is_nothing_to_do_and_holds_no_link() -> None:
    subject, text, page = mail(LetterKind.NOTICE)
    assert subject == 'You already get The "Daily" & more'
    assert "nothing to do" in " ".join(text.split())
    assert "nothing to do" in " ".join(page.split())
    assert "<a" not in page
    assert ANY_LINK.findall(text + page) == []
    assert all("ask for one at news.example.com/preferences" in " ".join(part.split()) for part in (text, page))


def test_a_mail_with_a_link_to_the_preferences_holds_it_once_and_says_how_long_it_lasts() -> None:
    subject, text, page = mail(LetterKind.PREFERENCES)
    assert subject == 'Your preferences and your data at The "Daily" & more'
    assert [ANY_LINK.findall(part) for part in (text, page)] == [[LINK], [LINK]]
    for part in (text, page):
        assert "works for 2 hours" in " ".join(part.split())
        assert "do nothing" in " ".join(part.split())


@pytest.mark.parametrize("kind", [LetterKind.NOTICE, LetterKind.PREFERENCES])
def test_the_newsletters_name_is_escaped_in_the_page(kind: LetterKind) -> None:
    _, text, page = mail(kind)
    assert 'The "Daily" & more' in text
    assert "The &quot;Daily&quot; &amp; more" in page
