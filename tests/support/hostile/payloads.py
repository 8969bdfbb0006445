"""The catalogue of hostile values: more than 300 with names, the same on every run.

A payload has two forms: `json`, the bytes for the place of a JSON value, and `raw`, the bytes for
the place of plain text (a query, a form, a header).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.support.hostile import texts

MAX_DEPTH = 32
MIB = 1024 * 1024


@dataclass(frozen=True)
class Payload:
    """One hostile value.

    `is_plain` tells whether it can be recorded without loss; otherwise it must be refused. `depth`
    is the number of its levels, the innermost value included.
    """

    name: str
    json: bytes
    raw: bytes
    is_plain: bool = True
    depth: int = 1

    @property
    def as_key(self) -> bytes:
        """The payload as the key of an object: a JSON string."""
        if self.json[:1] == self.json[-1:] == b'"' and len(self.json) > 1:
            return self.json
        return json.dumps(self.raw.decode("utf-8", "replace")).encode()

    def is_acceptable(self, *, above: int) -> bool:
        """Tell whether it is valid as free JSON with `above` levels around it."""
        return self.is_plain and self.depth + above <= MAX_DEPTH and len(self.json) < MIB - 2000


def payloads() -> list[Payload]:
    """Return the whole catalogue, in a fixed order that mixes the kinds."""
    kinds = [list(kind) for kind in (_texts(), _numbers(), _structures(), _keys(), _spoilt())]
    found = [payload for kind in kinds for payload in kind]
    assert len({payload.name for payload in found}) == len(found), "Two payloads share a name."
    # A stride that is coprime to the number visits each payload once, and mixes the kinds.
    stride = next(n for n in range(97, 997) if n % 2 and _coprime(n, len(found)))
    return [found[index * stride % len(found)] for index in range(len(found))]


def some_payloads(everything: Sequence[Payload], count: int | None, turn: int) -> list[Payload]:
    """Return `count` payloads (None: all) for the field number `turn`; they differ by field."""
    if count is None or count >= len(everything):
        return list(everything)
    start = turn * count % len(everything)
    return [everything[(start + index) % len(everything)] for index in range(count)]


def _texts() -> Iterable[Payload]:
    for name, text in texts.everything().items():
        yield Payload(f"text: {name}", json.dumps(text).encode(), text.encode(), "\x00" not in text)
    # Some of these texts without JSON escapes.
    for name in ("bidi U+202E", "zalgo", "beyond the BMP", "U+FFFF"):
        text = texts.everything()[name]
        raw = json.dumps(text, ensure_ascii=False).encode()
        yield Payload(f"unescaped: {name}", raw, text.encode())


def _numbers() -> Iterable[Payload]:
    plain = (
        *("0", "-0", "-0.0", "1", "-1", "0.1", "5e-324", "2.5e-1", "1E+2", "1440"),
        *("2147483647", "2147483648", "-2147483649", "4294967296", "9007199254740990"),
        *("9007199254740991", "-9007199254740991", "9007199254740991.0"),
        *("true", "false", "null"),
    )
    refused = (
        *("9007199254740992", "9007199254740993", "-9007199254740992", "9007199254740991.5"),
        *("9223372036854775807", "9223372036854775808", "-9223372036854775809", "1e16", "1e308"),
        *("18446744073709551616", "1e309", "1e999", "-1e999", "NaN", "Infinity", "-Infinity"),
        *("1e-400", "1e-1000000"),  # another number as a double
        *("0x10", "007", "+1", "1.", ".5", "1_000", "1e", "--1", "0b1", "1f", "１２", "٣", "1 2"),
    )
    for text in plain:
        yield Payload(f"number: {text}", text.encode(), text.encode())
    for text in refused:
        yield Payload(f"number: {text}", text.encode(), text.encode(), is_plain=False)
    long = {"10^400": "1" + "0" * 400, "4300 digits": "9" * 4300, "5000 digits": "9" * 5000}
    for name, text in long.items():
        yield Payload(f"number: {name}", text.encode(), text.encode(), is_plain=False)
    for name, text in {"0.111…": "0." + "1" * 100_000, "0.000…1": "0." + "0" * 9000 + "1"}.items():
        yield Payload(f"number: {name}", text.encode(), text.encode(), is_plain=False)


def _structures() -> Iterable[Payload]:
    def made(name: str, raw: bytes, *, depth: int, is_plain: bool = True) -> Payload:
        return Payload(f"structure: {name}", raw, raw, is_plain, depth)

    for text, depth in (("[]", 1), ("{}", 1), ("[[]]", 2), ("[{}]", 2), ("[null]", 2), ('[""]', 2)):
        yield made(text, text.encode(), depth=depth)
    for levels in (28, 29, 30, 31, 32, 33, 1000, 100_000):
        yield made(f"{levels} lists", b"[" * levels + b"]" * levels, depth=levels)
        yield made(f"{levels} objects", b'{"a":' * levels + b"1" + b"}" * levels, depth=levels + 1)
        mixed = b'[{"a":' * (levels // 2) + b"1" + b"}]" * (levels // 2)
        yield made(f"{levels} lists and objects", mixed, depth=levels // 2 * 2 + 1)
    yield made("100 000 lists, open", b"[" * 100_000, depth=100_000, is_plain=False)
    yield made("100 000 objects, open", b'{"a":' * 100_000, depth=100_000, is_plain=False)
    for count in (1000, 50_000):
        wide = json.dumps({f"k{number}": number for number in range(count)}).encode()
        yield made(f"{count} keys", wide, depth=2)
        yield made(f"{count} items", b"[" + b"0," * count + b"0]", depth=2)
        yield made(f"{count} objects in a list", b"[" + b"{}," * count + b"{}]", depth=2)
    # If a parser built the path of each item, this half megabyte would become 30 GB.
    long_way = b'{"' + b"k" * 300_000 + b'":[' + b"0," * 99_999 + b"0]}"
    yield made("100 000 items below a long key", long_way, depth=3)
    for name, text, depth in (
        ("a reference", '{"$ref":"#/definitions/x"}', 2),
        ("a reference elsewhere", '{"$ref":"http://169.254.169.254/latest"}', 2),
        ("an operator", '{"$gt":""}', 2),
        ("a Java type", '{"@type":"java.lang.Runtime"}', 2),
        ("a Python object", '{"py/object":"os.system","args":["id"]}', 3),
        ("a prototype", '{"__proto__":{"is_staff":true}}', 3),
        ("a constructor", '{"constructor":{"prototype":{"x":1}}}', 4),
        ("case apart", '{"a":1,"A":2}', 2),
        ("normal forms apart", '{"\\u00e9":1,"e\\u0301":2}', 2),
        ("JSON in JSON", json.dumps(json.dumps({"a": [1]})), 1),
    ):
        yield made(name, text.encode(), depth=depth)
    for name, text in (
        ("a key twice", '{"a":1,"a":1}'),
        ("a key twice, deep", '{"a":[{"b":{"c":1,"c":2}}]}'),
        ("a key twice, escaped", '{"a":1,"\\u0061":2}'),
        ("an empty key twice", '{"":1,"":2}'),
    ):
        yield made(name, text.encode(), depth=2, is_plain=False)


def _keys() -> Iterable[Payload]:
    for name, key in texts.keys().items():
        raw = json.dumps({key: 1}).encode()
        yield Payload(f"key: {name}", raw, key.encode(), "\x00" not in key, 2)
    for name, escaped in (("half a pair", "\\ud800"), ("the other half", "x\\udfff")):
        raw = b'{"%s": 1}' % escaped.encode()
        yield Payload(f"key: {name}", raw, escaped.encode(), is_plain=False, depth=2)


def _spoilt() -> Iterable[Payload]:
    """Yield what is not JSON, not UTF-8, or an unpaired surrogate."""
    for name, text in (
        *(("nothing", ""), ("a blank", " "), ("open brace", "{"), ("closing bracket", "]")),
        *(("open quote", '"'), ("single quotes", "'x'"), ("nul", "nul"), ("True", "True")),
        *(("undefined", "undefined"), ("comment", "// 1"), ("comment inside", "/* */1")),
        *(("comma after", "[1,]"), ("no value", '{"a":}'), ("no quotes", "{a:1}")),
        *(("raw tab", '"\t"'), ("raw line end", '"a\nb"'), ("raw NUL", '"a\0b"')),
        *(("bad escape", '"\\x41"'), ("short escape", '"\\u12"'), ("two documents", "1} {")),
        *(("half a pair", '"\\ud800"'), ("the other half", '"\\udc00"'), ("PEM", "-----BEGIN")),
        *(("two first halves", '"\\ud800\\ud800"'), ("pair reversed", '"\\udc00\\ud800"')),
        *(("half a pair inside", '"a\\udbffb"'), ("XML", "<?xml version='1.0'?><x/>")),
    ):
        yield Payload(f"malformed: {name}", text.encode(), text.strip('"').encode(), is_plain=False)
    for name, raw in (
        *(("FF", b"\xff"), ("FE FF", b"\xfe\xff"), ("80 alone", b"\x80"), ("cut off", b"\xe2\x82")),
        *(("overlong NUL", b"\xc0\x80"), ("overlong slash", b"\xc0\xaf")),
        *(("overlong in 3", b"\xe0\x80\xaf"), ("overlong in 4", b"\xf0\x80\x80\xaf")),
        *(("surrogate", b"\xed\xa0\x80"), ("CESU-8 pair", b"\xed\xa0\xbd\xed\xb8\x80")),
        *(("beyond Unicode", b"\xf4\x90\x80\x80"), ("5 bytes", b"\xf8\x88\x80\x80\x80")),
        *(("Latin-1", b"caf\xe9"), ("UTF-16", "ab".encode("utf-16")), ("gzip", b"\x1f\x8b\x08")),
    ):
        yield Payload(f"bytes: {name}", b'"' + raw + b'"', raw, is_plain=False)
    yield Payload("bytes: a mark before", b"\xef\xbb\xbf1", b"\xef\xbb\xbf1", is_plain=False)
    yield Payload("huge: 1 MiB and one", b'"' + b"x" * MIB + b'"', b"x" * MIB, is_plain=False)
    yield Payload("huge: 3 MiB", b'"' + b"y" * 3 * MIB + b'"', b"y" * 3 * MIB, is_plain=False)


def _coprime(one: int, other: int) -> bool:
    while other:
        one, other = other, one % other
    return one == 1
