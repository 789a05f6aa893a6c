"""What nobody types by mistake: octets for any field of any request, by what they are meant to break."""

from collections.abc import Iterator, Mapping, Sequence

CONTROLS = [bytes([code]) for code in (0, 1, 7, 8, 9, 10, 11, 12, 13, 27, 31, 127)]

HIDDEN = [
    "\u0085next line",
    "line\u2028separator\u2029paragraph",
    "\u202eright to left\u202c",
    "\u2066isolated\u2069",
    "\u200e\u200f\u061cmarks",
    "zero\u200bwidth\u200cjoin\u200dners\u2060\ufeff",
    "\u00ad\u034f\u180e",
    "\u3164\u115f\u1160\u2800\uffa0",
    "tags\U000e0041\U000e0064\U000e007f",
    "not a character \ufffe \uffff \U0010ffff",
    "private \ue000 \U000f0000",
    "unassigned \u0378",
]

EMOJI = [
    "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466",
    "\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7",
    "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "\U0001f44d\U0001f3ff",
    "1\ufe0f\u20e3 \u2764\ufe0f\u200d\U0001f525",
    "\U0001f600" * 300,
]

HEAPS = [
    "Z" + "\u0300\u0489\u035c" * 100,
    "a" + "\u0301" * 2000,
    "\u0301 begins with a mark",
    "\u1112\u1161\u11ab Hangul in pieces",
    "\ufdfa" * 60,
    "\u0130\u0131\ufb03\u1e9e grow when they are folded",
    "\uff41\uff20\uff45\uff0eexample",
]

BROKEN = [
    b"\xff\xfe",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"\xed\xa0\xbd\xed\xb8\x80",
    b"\xf4\x90\x80\x80",
    b"\xe4\xc4 Latin-1",
    b"cut off \xf0\x9f\x98",
    b"\x80" * 50,
    b"+ADw-script+AD4-",
]
"""Octets that are no UTF-8: surrogates alone and in pairs, overlong NUL, beyond Unicode, other encodings."""

LARGE = [b"x" * 257, b"x" * 5000, b"9" * 10_000, b"1e" + b"9" * 400, b"x" * 1_048_576, "\u00e9".encode() * 524_288]

SQL = [
    "Robert'; DROP TABLE subscriptions; --",
    "' OR '1'='1",
    "1; SELECT pg_sleep(30)",
    "'||pg_sleep(30)||'",
    "x' UNION SELECT email FROM subscriptions --",
    "$$; DELETE FROM tokens; $$",
    "E'\\x27' /* comment */",
    "'::regclass::text",
    "%s %(name)s %% ?",
    "{1,2},{NULL}",
    "\\N",
    "\\'; COMMIT; --",
]

TEMPLATES = [
    "{{ 7 * 7 }}",
    "{{ subscriber.email }}",
    "{{ unsubscribe.link }}",
    '{{ subscriber.name | default: "x" }}',
    "{% for x in ().__class__.__mro__ %}{{ x }}{% endfor %}",
    "{# comment #}",
    "${7*7} ${jndi:ldap://127.0.0.1/x}",
    "#{7*7}",
    "<%= 7 * 7 %>",
    "{{{{{{",
    "\\{{ x",
    "}}",
    "{0.__class__} {name!r:>10000}",
    "%n%n%n%x%s",
]

HEADERS = [
    "Ada\r\nBcc: eve@example.com",
    "Ada\nBcc: eve@example.com",
    "Ada\rBcc: eve@example.com",
    "Ada\r\n Bcc: eve@example.com",
    "Ada\r\n\r\n<p>another body</p>",
    "Ada%0d%0aBcc: eve@example.com",
    "=?utf-8?q?Ada=0D=0ABcc:_eve@example.com?=",
    "=?utf-8?b?QmNjOiBldmVAZXhhbXBsZS5jb20=?=",
    "Ada <eve@example.com>, Bob",
    "ada@example.com, eve@example.com",
    "ada@example.com\u2028Bcc: eve@example.com",
    "Ada\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK",
    ".\r\nRCPT TO:<eve@example.com>",
]

MARKUP = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' autofocus onfocus=alert(1) x='",
    "</title></textarea><svg/onload=alert(1)>",
    "javascript:alert(1)",
    "&lt;b&gt; &#60; &amp;amp; &#x0;",
    "<!--",
    "]]><?xml version='1.0'?>",
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)",
]

PLACES = [
    "../../../../etc/passwd",
    "..\\..\\windows\\win.ini",
    "/etc/passwd\0.png",
    "%2e%2e%2f%2e%2e%2f",
    "....//....//",
    "file:///etc/passwd",
    "//evil.example",
    "http://127.0.0.1:5432/",
    ";id",
    "$(id)",
    "`id`",
    "| id",
]

PLAUSIBLE = [
    "O'Neill-\u00d6zt\u00fcrk",
    "Maria Castillo",
    "\u4e2d\u6751 \u660e",
    "null",
    "undefined",
    "NaN",
    "-1",
    "true",
    "[]",
    " ",
    "+",
]
"""What people are called, and what programs say when there is nothing."""


def texts() -> Sequence[bytes]:
    """All of them, each once."""
    readable = [HIDDEN, EMOJI, HEAPS, SQL, TEMPLATES, HEADERS, MARKUP, PLACES, PLAUSIBLE]
    return [*CONTROLS, *BROKEN, *LARGE, *(text.encode() for group in readable for text in group)]


def small_texts() -> Sequence[bytes]:
    """Those that fit into a header, a path or a member of JSON."""
    return [text for text in texts() if len(text) <= 5000]


def json_strings() -> Iterator[bytes]:
    """Each as a string of JSON; what is no UTF-8 as it is, and as escapes of surrogates where it can be."""
    for text in small_texts():
        escaped = "".join(f"\\u{ord(each):04x}" if ord(each) < 65536 else each for each in _characters(text))
        yield b'"' + escaped.encode() + b'"'
    yield from (b'"' + text + b'"' for text in BROKEN)


def _characters(text: bytes) -> str:
    try:
        return text.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return text.decode("latin-1")


JSON_VALUES: Mapping[str, bytes] = {
    "null": b"null",
    "true": b"true",
    "a number": b"17",
    "a long number": b"1" * 5000,
    "a number beyond all": b"1e999999",
    "not a number": b"NaN",
    "negative infinity": b"-Infinity",
    "an empty array": b"[]",
    "an empty object": b"{}",
    "an array of arrays": b"[[[]]]",
    "brackets within brackets": b"[" * 5000 + b"]" * 5000,
    "objects within objects": b'{"a":' * 2000 + b"1" + b"}" * 2000,
    "brackets without end": b"[" * 8000,
    "many members": b"{" + b",".join(b'"m%d":"x"' % each for each in range(900)) + b"}",
    "an object with a member twice": b'{"city":"a","city":"b"}',
    "an object with an odd member": b'{"__class__":"x","\\u0000":"y","\\ud800":"z"}',
    "an array of odd texts": b'["\\u0000","\\ud800",""]',
}
"""Values of other types than any text, of every depth and size."""

JSON_BODIES: Sequence[bytes] = [
    *JSON_VALUES.values(),
    b"",
    b"{",
    b'"text"',
    b"\xef\xbb\xbf{}",
    b"{}{}",
    b'{"name":"Ada","name":"Eve","email":"ada@example.com"}',
    b'{"\\ud800":1}',
    b"{'name':'Ada'}",
    '{"name":"Ada"}'.encode("utf-16"),
    b'{"name":"Ada","email":"ada@example.com","is_admin":true}',
]
"""Whole bodies of which none is a sign-up."""
