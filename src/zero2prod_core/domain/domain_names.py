"""Domain names of e-mail addresses, in both their forms: ``xn--mnchen-3ya.de`` on the wire, ``münchen.de`` for people.

IDNA 2008: labels by RFC 5891 §4.2 and §5.4, their characters by RFC 5892 (its tables follow from ``unicodedata``),
names with right-to-left letters by RFC 5893. Names are looked at, never looked up.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping

import attrs

from zero2prod_core.errors import FieldInvalid

LONGEST_NAME = 253
"""Octets of the ASCII form: RFC 1035 §2.3.4 has 255, of which two hold the first length and the root's."""

LONGEST_LABEL = 63
"""Octets (RFC 1035 §2.3.4)."""

SPECIAL_USE = frozenset({"arpa", "invalid", "local", "localhost", "onion"})
"""Top-level names that no mail server answers for (RFC 6761, 6762, 7686); ``test`` is left to those who test."""

ACE_PREFIX = "xn--"
LDH = re.compile(r"[a-z0-9-]+")
RESERVED_HYPHENS = re.compile(r"..--")

EXCEPTIONS = frozenset("\u00df\u03c2\u06fd\u06fe\u0f0b\u3007")
"""Permitted against the general rule (RFC 5892 §2.6)."""

FORBIDDEN = re.compile(
    "["
    "\u0640\u07fa\u302e\u302f\u3031-\u3035\u303b"  # §2.6, exceptions
    "\u034f\u17b4\u17b5\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"  # §2.3, ignorable and yet marks
    "\u20d0-\u20ff\U0001d100-\U0001d24f"  # §2.4, blocks of signs for symbols and music
    "\u1100-\u11ff\ua960-\ua97c\ud7b0-\ud7fb"  # §2.9, old Hangul
    "]"
)
"""Forbidden against the general rule (RFC 5892, by section)."""

LETTERS_AND_DIGITS = frozenset({"Ll", "Lu", "Lo", "Nd", "Lm", "Mn", "Mc"})
"""General categories of what may stand in a label (RFC 5892 §2.1)."""

RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
NEUTRAL = frozenset({"EN", "ES", "CS", "ET", "ON", "BN", "NSM"})
"""Bidirectional classes (RFC 5893 §2)."""

VIRAMA = 9
"""The canonical combining class of the sign after which a joiner has a meaning (RFC 5892 §A.1, A.2)."""


@attrs.frozen
class DomainName:
    """``ascii`` is lower-case, with A-labels; ``unicode`` is the same name with U-labels."""

    ascii: str
    unicode: str

    @classmethod
    def parse(cls, raw: str, field: str = "domain") -> "DomainName":
        """Read either form, in any case.

        Raises:
            FieldInvalid: a label, the length or the top-level name is not what a mail server on the internet can have.
        """
        if len(raw) > LONGEST_NAME:
            raise FieldInvalid(field, f"must have a domain of at most {LONGEST_NAME} octets")
        labels = tuple(_Label.parse(label, field) for label in lower(raw).split("."))
        name = cls(".".join(label.ascii for label in labels), ".".join(label.unicode for label in labels))
        name._check_whole(field)
        return name

    def _check_whole(self, field: str) -> None:
        labels, top = self.unicode.split("."), self.ascii.rpartition(".")[2]
        if len(labels) < 2:
            raise FieldInvalid(field, "must have a domain of two or more labels", "Write it in full, as in example.com")
        if len(self.ascii) > LONGEST_NAME:
            raise FieldInvalid(field, f"must have a domain of at most {LONGEST_NAME} octets")
        if not top[-1].isalpha():
            raise FieldInvalid(field, "must have a top-level domain that ends in a letter")
        if top in SPECIAL_USE:
            raise FieldInvalid(field, f"must not be at .{top}, where no mail is delivered")
        if is_right_to_left(self.unicode) and not all(map(obeys_bidi_rule, labels)):
            raise FieldInvalid(field, "must keep one writing direction in each label of its domain (RFC 5893)")


def lower(name: str) -> str:
    """Lower case and NFC, letter by letter: of a whole word ``str.lower`` makes another last sigma."""
    return name.lower() if name.isascii() else unicodedata.normalize("NFC", "".join(map(str.lower, name)))


@attrs.frozen
class _Label:
    ascii: str
    unicode: str

    @classmethod
    def parse(cls, text: str, field: str) -> "_Label":
        """Read one lower-case label of either form."""
        if not text:
            raise FieldInvalid(field, "must not have an empty label in its domain", "Look for a dot too many")
        if text.startswith(ACE_PREFIX):
            return cls._of_a_label(text, field)
        for holds, rule in LABEL_RULES:
            if not holds(text):
                raise FieldInvalid(field, f"must have a domain whose labels {rule}")
        label = cls(text if text.isascii() else ACE_PREFIX + text.encode("punycode").decode(), text)
        if len(label.ascii) > LONGEST_LABEL:
            raise FieldInvalid(field, f"must have a domain whose labels have at most {LONGEST_LABEL} octets")
        return label

    @classmethod
    def _of_a_label(cls, text: str, field: str) -> "_Label":
        """Decode, check as any other label, and demand that encoding gives the same (RFC 5891 §5.4)."""
        try:
            decoded = text[len(ACE_PREFIX) :].encode("ascii").decode("punycode")
        except UnicodeError:
            decoded = ""
        if decoded.isascii() or decoded.startswith(ACE_PREFIX):
            raise FieldInvalid(field, "must have no malformed xn-- label in its domain")
        label = cls.parse(decoded, field)
        if label.ascii != text:
            raise FieldInvalid(field, "must have no malformed xn-- label in its domain")
        return label


def is_normal(label: str) -> bool:
    return unicodedata.is_normalized("NFC", label)


def keeps_hyphens_inside(label: str) -> bool:
    """RFC 5891 §4.2.3.1: none at the ends, and none in the third and fourth place, which mark encodings."""
    return not (label.startswith("-") or label.endswith("-") or RESERVED_HYPHENS.match(label))


def starts_without_mark(label: str) -> bool:
    return unicodedata.category(label[0])[0] != "M"


def has_permitted_characters(label: str) -> bool:
    """RFC 5892 §3, with the rules for characters that depend on their neighbours (§A)."""
    return LDH.fullmatch(label) is not None or all(
        CONTEXTS[character](label, place) if character in CONTEXTS else is_permitted(character)
        for place, character in enumerate(label)
    )


LABEL_RULES: tuple[tuple[Callable[[str], bool], str], ...] = (
    (has_permitted_characters, "have only letters, digits and hyphens"),
    (is_normal, "are in Unicode's composed form"),
    (keeps_hyphens_inside, "have hyphens only between letters or digits, and not in the third and fourth place"),
    (starts_without_mark, "do not start with a combining mark"),
)
"""What must hold for a lower-case label that is no A-label, and how to say it."""


def is_permitted(character: str) -> bool:
    """Whether a character is PVALID wherever it stands (RFC 5892 §3)."""
    if LDH.fullmatch(character) or character in EXCEPTIONS:
        return True
    return (
        unicodedata.category(character) in LETTERS_AND_DIGITS
        and not FORBIDDEN.match(character)
        and _is_stable(character)
    )


def _is_stable(character: str) -> bool:
    """RFC 5892 §2.2: compatibility mapping and case folding leave it as it is."""
    folded = unicodedata.normalize("NFKC", character).casefold()
    return unicodedata.normalize("NFKC", folded) == character


def is_right_to_left(name: str) -> bool:
    return any(unicodedata.bidirectional(character) in RIGHT_TO_LEFT for character in name)


def obeys_bidi_rule(label: str) -> bool:
    """RFC 5893 §2, for one label of a name that has right-to-left letters anywhere."""
    classes = [unicodedata.bidirectional(character) for character in label]
    ending = next((each for each in reversed(classes) if each != "NSM"), "")
    if classes[0] in {"R", "AL"}:
        return (
            set(classes) <= RIGHT_TO_LEFT | NEUTRAL
            and ending in RIGHT_TO_LEFT | {"EN"}
            and not {"EN", "AN"} <= set(classes)
        )
    return classes[0] == "L" and set(classes) <= NEUTRAL | {"L"} and ending in {"L", "EN"}


def _has_name(character: str, *starts: str) -> bool:
    """Whether a character's name starts so: ``unicodedata`` has no scripts, but a letter's name begins with its own."""
    return unicodedata.name(character, "").startswith(starts) if character else False


def _middle_dot(label: str, place: int) -> bool:
    return label[max(place - 1, 0) : place + 2] == "l\u00b7l"


def _before_greek(label: str, place: int) -> bool:
    return _has_name(label[place + 1 : place + 2], "GREEK SMALL LETTER ")


def _after_hebrew(label: str, place: int) -> bool:
    return _has_name(label[:place][-1:], "HEBREW LETTER ")


def _among_japanese(label: str, _place: int) -> bool:
    return any(_has_name(each, "HIRAGANA LETTER ", "KATAKANA LETTER ", "CJK UNIFIED IDEOGRAPH-") for each in label)


def _without(digits: str) -> Callable[[str, int], bool]:
    return lambda label, _place: not set(digits) & set(label)


def _after_virama(label: str, place: int) -> bool:
    return place > 0 and unicodedata.combining(label[place - 1]) == VIRAMA


def _arabic_letters(form: str) -> frozenset[str]:
    """The letters with a presentation form of this kind (U+FB50 to U+FEFF): from these follows how a letter joins."""
    parts = (unicodedata.decomposition(chr(code)).split() for code in range(0xFB50, 0xFF00))
    return frozenset(chr(int(part[1], 16)) for part in parts if len(part) == 2 and part[0] == form)


JOINING_ONWARDS = _arabic_letters("<initial>")
JOINING_BACKWARDS = _arabic_letters("<final>")


def _between_joining(label: str, place: int) -> bool:
    """RFC 5892 §A.1: a letter that would join the next one before it, a letter that would join back after it."""
    before = [each for each in label[:place] if unicodedata.category(each) != "Mn"]
    after = [each for each in label[place + 1 :] if unicodedata.category(each) != "Mn"]
    return bool(before and after) and before[-1] in JOINING_ONWARDS and after[0] in JOINING_BACKWARDS


ARABIC_DIGITS = "".join(map(chr, range(0x0660, 0x066A)))
EASTERN_ARABIC_DIGITS = "".join(map(chr, range(0x06F0, 0x06FA)))

CONTEXTS: Mapping[str, Callable[[str, int], bool]] = {
    "\u00b7": _middle_dot,
    "\u0375": _before_greek,
    "\u05f3": _after_hebrew,
    "\u05f4": _after_hebrew,
    "\u30fb": _among_japanese,
    "\u200c": lambda label, place: _after_virama(label, place) or _between_joining(label, place),
    "\u200d": _after_virama,
    **dict.fromkeys(ARABIC_DIGITS, _without(EASTERN_ARABIC_DIGITS)),
    **dict.fromkeys(EASTERN_ARABIC_DIGITS, _without(ARABIC_DIGITS)),
}
"""Characters whose neighbours decide (RFC 5892 §A): the label and the character's place in it give the answer."""
