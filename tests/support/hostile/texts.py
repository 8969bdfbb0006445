"""Hostile texts: valid Unicode, but likely to be misread by some program."""

from __future__ import annotations

from functools import cache

LIMITS = (50, 64, 100, 128, 150, 200, 256, 4000, 10_000)

_BIDI = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_INVISIBLE = (0x00AD, 0x034F, 0x180E, 0x200B, 0x200C, 0x200D, 0x2060, 0x3164, 0xFE0F, 0xE0041)
_NO_CHARACTERS = (0xFDD0, 0xFDEF, 0xFFFE, 0xFFFF, 0x1FFFE, 0x10FFFF)
_BLANKS = (0x09, 0x0A, 0x0D, 0x0B, 0x0C, 0x20, 0x85, 0xA0, 0x1680, 0x2000, 0x2028, 0x2029, 0x3000)

_ODD: dict[str, str] = {
    "empty": "",
    "blank around": " x ",
    "lines around": "\nx\n",
    "CR LF": "\r\n",
    "NUL": "\x00",
    "NUL inside": "a\x00b",
    "NUL after": "Search\x00",
    "NUL before": "\x00Search",
    "mark before": "\ufeffx",
    "mark after": "x\ufeff",
    "zalgo": "Z" + "\u0351\u0332\u0e49" * 300,
    "composed": "é",
    "decomposed": "e\u0301",
    "ligature": "ﬁle ﷺ",
    "beyond the BMP": "😀 𝕏 👩‍👩‍👧‍👦 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "cases that grow": "ßİŉǰΐ",
    "look-alikes": "Ѕeаrсh",
    "full width": "Ｓｅａｒｃｈ",
    "Arabic and Latin": "abc مرحبا def",
    "200 emoji": "😀" * 200,
    "100 kB": "x" * 100_000,
    "100 kB of marks": "e" + "\u0301" * 50_000,
    "almost 1 MiB": "x" * (1024 * 1024 - 5000),
    "many lines": "\n" * 5000,
}

_MEANT_FOR_OTHERS: dict[str, tuple[str, ...]] = {
    "SQL": (
        *("' OR '1'='1", "'; DROP TABLE governance_ledgerentry; --", '" OR ""="', "1; SELECT 1"),
        *("1) OR 1=1 --", "' UNION SELECT password FROM auth_user --", "\\'; --", "$$;$$", "%' --"),
        *("E'\\x00'", "pg_sleep(5)", "' || pg_sleep(5) --", "{1,2}", '{"a","b"}', "NULL"),
    ),
    "HTML": (
        *("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</textarea><b>"),
        *("</script><script>alert(1)//", "javascript:alert(1)", "<svg/onload=alert(1)>"),
        *("' onmouseover='alert(1)", "<!--", "]]>", "&lt;&amp;&#0;", "<style>*{}</style>"),
    ),
    "template": (
        *("{{ 7*7 }}", "{% load x %}", "{% include '/etc/passwd' %}", "{#", "${7*7}", "#{7*7}"),
        *("<%= 7*7 %>", "{{ settings.SECRET_KEY }}", "{% endblock %}"),
    ),
    "format": ("%s%s%n", "%(x)s", "%", "%%", "%d", "{}", "{0.__class__}", "{x!r:>9999}", "%zz"),
    "escape": ("\\", "\\\\", "\\x00", "\\u0000", "\\ud800", "%00", "%ED%A0%80", "%u0041", "&#0;"),
    "path": (
        *("../../etc/passwd", "..\\..\\x", "/etc/passwd", "file:///etc/passwd", "%2e%2e%2f"),
        *("http://169.254.169.254/", "//example.org", "http://[", ".", "..", "CON", "~root"),
    ),
    "header": ("x\r\nSet-Cookie: a=b", "x\nLocation: //y", "x\r\n\r\n<b>", "a; b=c", "a,b", "*"),
    "shell": ("$(id)", "`id`", "; id", "| id", "&& id", "-rf", "--help", "${IFS}", "\x1b[2J"),
    "directory": ("*)(uid=*))(|(uid=*", "admin)(&)", "*", "\\2a"),
    "sheet": ("=1+1", "+1", "-1", "@SUM(1)", '=HYPERLINK("x")'),
    "pattern": ("(a+)+$", "[", "(?P<", ".*" * 50, "a{99999}", "^", "(" * 200),
    "other": ("${jndi:ldap://x}", "!!python/object:x", "<!ENTITY x SYSTEM 'y'>", "null", "None"),
    "word": ("undefined", "nil", "NaN", "true", "PASS", "pass", "COMPLETED", "ELIGIBLE", "SYSTEM"),
    "number": (
        *("1_000", "0x10", "007", "+5", " 5", "5 ", "5.0", "1,000", "٣", "１２", "²", "½", "Ⅷ"),
        *("-5", "0", "9" * 20, "9" * 400, "9" * 5000, "1e3", "Infinity", "2147483648"),
    ),
    "id": (
        *("00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
        *("{12345678-1234-5678-1234-567812345678}", "urn:uuid:12345678-1234-5678-1234-56781234567"),
        *("12345678123456781234567812345678", "12345678-1234-5678-1234-56781234567g", "0" * 31),
        *("１２345678-1234-5678-1234-567812345678", "12345678-1234-5678-1234-567812345678\n"),
        *("a" * 64, "A" * 64, "g" * 64, "é" * 64, "0" * 63),
    ),
    "cursor": (
        *(
            "W10",
            "bnVsbA",
            "W251bGwsbnVsbF0",
            "MQ",
            "WzFd",
            "Wy0xXQ",
            "WzFlOTk5XQ",
            "e30",
            "WyJ4Il0",
        ),
        # ["0001-01-01T00:00:00+14:00", an id] and the like: times that have no value in UTC
        "WyIwMDAxLTAxLTAxVDAwOjAwOjAwKzE0OjAwIiwiMDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAwIl0",
        "WyI5OTk5LTEyLTMxVDIzOjU5OjU5LTE0OjAwIiwiMDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAwIl0",
        "W1tb" * 2000,
        "====",
    ),
    "charset": (
        *("hex", "rot13", "idna", "utf-7", "utf-16", "unicode_escape", "raw_unicode_escape"),
        *("utf-8", "UTF8", "utf-8-sig", "zlib", "undefined", "latin-1", "cp65001", "x" * 500),
    ),
    "time": (
        *("0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59"),
        *("9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59-23:59"),
        *("10000-01-01T00:00:00Z", "-0001-01-01T00:00:00Z", "2026-06-30T23:59:60Z"),
        *("2026-11-02T24:00:00Z", "2026-11-02T25:00:00Z", "2026-02-30T00:00:00Z", "2026-13-01"),
        *("2026-11-02T09:00:00", "2026-11-02", "2026-11-02 09:00:00+00:00", "20261102T090000Z"),
        *("2026-11-02T09:00:00+99:99", "2026-11-02T09:00:00-00:00", "2026-11-02T09:00:00+24:00"),
        *("2026-W45-1T09:00:00Z", "2026-306T09:00:00Z", "1793610000", "now", "infinity"),
        *("-infinity", "epoch", "today", "4714-11-24 BC", "2026-11-02T09:00:00.1234567890Z"),
        *("2026-11-02T09:00:00." + "1" * 5000 + "Z", "1900-01-01T00:00:00Z", "1583-01-01T00:00Z"),
        *("2026-11-02T09:00:00Z[UTC]", "2026-11-02t09:00:00z", "2026-11-02T09:00:00−01:00"),
        *("9999-12-31T23:59", "0001-01-01T00:00", "2026-11-02T09:00:00,5Z"),
    ),
}


@cache
def everything() -> dict[str, str]:
    """Return all texts by name."""
    found = dict(_ODD)
    found |= {f"control U+{code:04X}": f"a{chr(code)}b" for code in _controls()}
    for kind, codes in (("bidi", _BIDI), ("invisible", _INVISIBLE), ("blank", _BLANKS)):
        found |= {f"{kind} U+{code:04X}": chr(code) for code in codes}
    found |= {f"U+{code:04X}": chr(code) for code in _NO_CHARACTERS}
    found["reversed text"] = "invoice\u202egpj.exe\u2069\u2066"
    for limit in LIMITS:
        found |= {f"{limit + more} letters": "x" * (limit + more) for more in (-1, 0, 1)}
    for kind, ways in _MEANT_FOR_OTHERS.items():
        found |= {f"{kind} {number}: {text[:24]!r}": text for number, text in enumerate(ways)}
    return found


@cache
def keys() -> dict[str, str]:
    """Return field names that some program might misinterpret."""
    names = (
        *("", " ", ".", "..", "a.b", "a[0]", "[0]", "__proto__", "constructor", "prototype"),
        *("toString", "hasOwnProperty", "__class__", "__dict__", "$ref", "$where", "@type", "#"),
        *("%s", "{0}", "{{ x }}", "<b>", "\u202e", "\ufeff", "\x1b[2J", "a\nb", "\x00", "a\x00"),
        *("id", "pk", "non_field_errors", "detail", "code", "type", "éa", "\U0010ffff"),
    )
    found = {f"{number}: {name!r}": name for number, name in enumerate(names)}
    return found | {"100 kB": "k" * 100_000, "300 letters": "k" * 300}


def _controls() -> list[int]:
    return [*range(0x01, 0x20), 0x7F, 0x80, 0x85, 0x9F]
