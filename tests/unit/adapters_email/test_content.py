"""From a letter to what its mails say: the footer and the list fields of an issue, for whatever way it leaves."""

import re
from email.parser import BytesParser
from email.policy import SMTP

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters_email.composing import compose
from adapters_email.content import content_of
from tests.support.parcels import (
    CONFIRMATION,
    LISTING,
    PREFERENCES_LINK,
    UNSUBSCRIBE_LINK,
    issue,
    listed,
    parcel,
    parsed,
    words,
)
from zero2prod_core.domain.newsletters import DEFAULT_NEWSLETTER, Slug
from zero2prod_core.errors import Defect
from zero2prod_core.ports.mailer import Parcel

DAILY = attrs.evolve(
    DEFAULT_NEWSLETTER, slug=Slug("daily"), name="The Daily", postal_address="Daily Ltd\nMain Street 1"
)
VISIBLE = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=200)
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\r.= \t{}"), min_size=1)

TEXT_FOOTER = f"""

----------------------------------------
You get this mail because you subscribed to the newsletter
"The Daily". To get no more of it, open this link:

{UNSUBSCRIBE_LINK}

To pause it, or to see and change what we keep of you, open this:

{PREFERENCES_LINK}

Daily Ltd
Main Street 1
"""

LIST_FIELDS = ("List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID")


def test_the_text_ends_with_a_footer() -> None:
    message = parsed(compose(listed(parcel(issue(text="Hello.")), DAILY)).content)
    assert message.get_content_type() == "text/plain"
    assert message.get_content().replace("\r\n", "\n") == "Hello." + TEXT_FOOTER


def test_so_does_the_html() -> None:
    newsletter = attrs.evolve(DAILY, name='"Bits" & <Bytes>')
    message = parsed(compose(listed(parcel(issue(html="<p>Hello.")), newsletter)).content)
    html = words(message, "html").replace("\r\n", "\n")
    assert '<p>Hello.</p>\n<div lang="en">\n<hr>' in html
    assert "&quot;Bits&quot; &amp; &lt;Bytes&gt;" in html
    assert f'<a href="{UNSUBSCRIBE_LINK}">' in html
    assert f'<a href="{PREFERENCES_LINK}">' in html
    assert "Daily Ltd<br>\nMain Street 1</p>" in html
    assert UNSUBSCRIBE_LINK in words(message, "plain")


def test_without_a_postal_address_none_is_there() -> None:
    message = parsed(compose(listed(parcel(issue(text="Hi", html="<p>Hi")), DEFAULT_NEWSLETTER)).content)
    for subtype in ("plain", "html"):
        assert "{{" not in words(message, subtype)
        assert "None" not in words(message, subtype)
    assert words(message, "plain").endswith(f"{PREFERENCES_LINK}\r\n")


def test_the_fields_of_a_list_are_there_once() -> None:
    message = parsed(compose(listed(parcel(), DAILY)).content)
    assert [len(message.get_all(name, [])) for name in LIST_FIELDS] == [1] * 4
    assert message["List-Id"] == '"The Daily" <default.news.example.com>'
    assert message["List-Unsubscribe"] == f"<{UNSUBSCRIBE_LINK}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Feedback-ID"] == f"{parcel().letter.id.hex}:daily:issue:zero2prod"


@pytest.mark.parametrize("sent", [parcel(CONFIRMATION), parcel()], ids=["confirmation", "nobody could unsubscribe"])
def test_other_mails_have_neither(sent: Parcel) -> None:
    message = parsed(compose(sent).content)
    assert [message[name] for name in LIST_FIELDS] == [None] * 4
    assert "unsubscribe" not in words(message, "plain").lower()


def test_braces_of_a_newsletter_are_no_slots() -> None:
    author, name = r"\{{ unsubscribe.link }} {{ newsletter.name }}", "{{ unsubscribe.link }}"
    message = parsed(compose(listed(parcel(issue(text=author)), attrs.evolve(DAILY, name=name))).content)
    assert message.get_content().count("{{ unsubscribe.link }}") == 3
    assert message.get_content().count(UNSUBSCRIBE_LINK) == 1


@pytest.mark.parametrize("html", [None, "<p>日本語のレター</p>\n" * 99], ids=["text", "both"])
@pytest.mark.parametrize("text", ["Grüße\n" * 99, "日本語のレター\n" * 99], ids=["quoted-printable", "base64"])
def test_the_words_of_a_letter_are_encoded_once(text: str, html: str | None) -> None:
    first, second = (listed(parcel(issue(text=text, html=html), f"{to}@example.com"), DAILY) for to in "ab")
    second = attrs.evolve(second, listing=attrs.evolve(LISTING, unsubscribe_link=UNSUBSCRIBE_LINK[:-1]))
    assert content_of(first) is content_of(second)
    bodies = [words(parsed(compose(each).content), "plain").replace("\r\n", "\n") for each in (first, second)]
    assert bodies[0] == text + TEXT_FOOTER
    assert bodies[1] == bodies[0].replace(UNSUBSCRIBE_LINK, UNSUBSCRIBE_LINK[:-1])
    assert compose(first) == compose(attrs.evolve(first))


class Counted(str):
    """Words that know how often they were compared."""

    __slots__ = ("compared",)
    compared: int

    def __eq__(self, other: object) -> bool:
        self.compared = getattr(self, "compared", 0) + 1
        return super().__eq__(other)

    __hash__ = str.__hash__


def test_each_claim_compares_the_words_of_a_letter_once() -> None:
    first = listed(parcel(issue(text="Hello.")))
    content = content_of(first)
    claimed = Counted("Hello.")
    again = attrs.evolve(first, letter=attrs.evolve(first.letter, text=claimed))
    assert [content_of(again) for _ in range(5)] == [content] * 5
    assert claimed.compared == 1


@pytest.mark.parametrize(
    "changed",
    [
        listed(parcel(issue(text="Goodbye."))),
        listed(parcel(issue(text="Hello.")), attrs.evolve(DAILY, name="The Weekly")),
        parcel(issue(text="Hello.")),
    ],
    ids=["words", "newsletter", "list"],
)
def test_what_has_changed_is_made_anew(changed: Parcel) -> None:
    before = listed(parcel(issue(text="Hello.")), DAILY)
    assert content_of(before).text != content_of(changed).text
    assert compose(before).content != compose(changed).content


@given(WORDS, VISIBLE)
def test_any_words_and_names_parse_back_with_the_footer(text: str, name: str) -> None:
    newsletter = attrs.evolve(DAILY, name=name)
    content = compose(listed(parcel(issue(text=text, html="<p>1</p>")), newsletter)).content
    message = BytesParser(policy=SMTP).parsebytes(content)
    assert not message.defects
    expected = re.sub("\r\n|\r", "\n", text) + TEXT_FOOTER.replace("The Daily", name)
    assert words(parsed(content), "plain").replace("\r\n", "\n") == expected
    assert [len(message.get_all(field, [])) for field in (*LIST_FIELDS, "Subject", "To")] == [1] * 6
    assert str(message["List-Id"]).endswith("<default.news.example.com>")
    body = content.partition(b"\r\n\r\n")[2]
    assert max(map(len, body.split(b"\r\n"))) <= 76
    assert content.isascii()


@pytest.mark.parametrize(
    "evil", ["https://a.org/\r\nBcc: b@c.de", "https://a.org/>, <https://b.org", "https://ä.org", ""]
)
def test_no_link_or_list_adds_anything_to_a_header(evil: str) -> None:
    sent = listed(parcel(), DAILY)
    with pytest.raises(Defect):
        compose(attrs.evolve(sent, listing=attrs.evolve(LISTING, unsubscribe_link=evil)))
    with pytest.raises(Defect):
        compose(attrs.evolve(sent, listing=attrs.evolve(LISTING, list_id=evil)))


def test_nor_does_the_name_of_a_newsletter() -> None:
    with pytest.raises(Defect):
        compose(listed(parcel(), attrs.evolve(DAILY, name="Daily\r\nBcc: b@c.de")))
