"""Write a JSON value down so that equal values have equal bytes (RFC 8785), and hash it.

What may enter a record is decided here, once: values that PostgreSQL cannot store, that JSON
cannot carry between languages without loss, or that are there to exhaust a reader, are refused
with the path at which they stand.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import orjson
import rfc8785

from governance.domain.errors import InvalidInputError

MAX_NESTING = 32
MAX_NUMBER = 2**53 - 1  # the last integer a double holds exactly
MAX_DOCUMENT_BYTES = 1024 * 1024

# Where a value stands: the place around it and the key or index in there; a root is its name.
_JsonPath = tuple[Any, str | int] | str
# A string, which may hold brackets, or one bracket. Possessive: it never tries a string twice.
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+"?|([\[{])|[\]}]', re.DOTALL)


# Keys sorted by code point, and integers that a double does not hold exactly refused.
_SORTED_AND_EXACT = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER
# How the UTF-8 of characters begins that UTF-16 writes as a surrogate pair, and of those that
# come before them by code point, but after a surrogate.
_IN_PAIRS = (b"\xf0", b"\xf1", b"\xf2", b"\xf3", b"\xf4")
_ABOVE_SURROGATES = (b"\xee", b"\xef")


def canonical_text(value: Any) -> str:
    """The one spelling of `value`, a JSON value that `require_plain_json` accepts."""
    return canonical_bytes(value).decode("utf-8")


def canonical_bytes(value: Any) -> bytes:
    """`canonical_text` in UTF-8.

    `orjson` spells nearly everything as RFC 8785 does, ten to twenty times faster than `rfc8785`;
    what it may spell otherwise, and what it refuses, is left to that one. Raises ValueError for
    what is no JSON value.
    """
    try:
        serialized = orjson.dumps(value, option=_SORTED_AND_EXACT)
    except TypeError:
        return rfc8785.dumps(value)
    if _is_serialized_alike(value) and not _may_be_in_another_order(serialized):
        return serialized
    return rfc8785.dumps(value)


def _is_serialized_alike(value: Any) -> bool:
    """Whether all in `value`, which is not circular, is something that both spell the same way."""
    waiting = [value]
    for item in waiting:
        kind = type(item)
        if kind is str or kind is int or item is None or kind is bool:
            continue
        if kind is dict:
            waiting.extend(item.values())
        elif kind is list or kind is tuple:
            waiting.extend(item)
        elif kind is float:
            # Whole ones lose their ".0" in RFC 8785, and for exponents it has rules of its own.
            if item.is_integer() or not 1e-4 <= abs(item) <= MAX_NUMBER:
                return False
        elif not isinstance(item, StrEnum):
            return False
    return True


def _may_be_in_another_order(serialized: bytes) -> bool:
    """Whether keys by code point and keys by UTF-16, as RFC 8785 has them, could differ."""
    return (
        not serialized.isascii()
        and any(start in serialized for start in _IN_PAIRS)
        and any(start in serialized for start in _ABOVE_SURROGATES)
    )


def sha256_hex(text: str) -> str:
    """SHA-256 of the UTF-8 bytes of `text`, 64 hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def digest(value: Any, *, expected: str | None = None) -> str:
    """SHA-256 of the canonical form of `value`, 64 hexadecimal digits; faster if it is `expected`.

    Do not expect anything of a value that may hold NaN or an infinity (`fast_canonical_bytes`).
    """
    if expected is not None:
        try:
            if fast_canonical_digest(value) == expected:
                return expected
        except TypeError:  # rfc8785 knows better, or says why not
            pass
    return hashlib.sha256(canonical_bytes(value)).hexdigest()


def fast_canonical_bytes(value: Any) -> bytes:
    """`value` as orjson spells it: nearly always as RFC 8785 does, and several times faster.

    What somebody wrote down, or the SHA-256 of it, that is equal to this one's is of this value:
    whether RFC 8785 spells all in it so need not be asked then. What is not equal says nothing yet.
    Raises TypeError for what orjson cannot spell; for NaN and infinities it writes `null`.
    """
    return orjson.dumps(value, option=_SORTED_AND_EXACT)


def fast_canonical_digest(value: Any) -> str:
    """SHA-256 of `fast_canonical_bytes`, which says as much and as little."""
    return hashlib.sha256(fast_canonical_bytes(value)).hexdigest()


def load_json(text: str | bytes) -> Any:
    """Parse JSON that stands on record, as Python does, only faster.

    What orjson refuses, such as endless integers, is Python's to read; a number that no double
    holds becomes a Decimal, which nothing spells. Raises ValueError for what is no JSON, and
    RecursionError.
    """
    try:
        return orjson.loads(text)
    except ValueError:
        return json.loads(text, parse_float=_double)


def _double(text: str) -> float | Decimal:
    """Not an infinity: `fast_canonical_bytes` could not tell it from null."""
    number = float(text)
    return number if math.isfinite(number) else Decimal(text)


def timestamp(at: datetime | str | None) -> str | None:
    """An aware time as RFC 3339 in UTC with microseconds: equal moments, equal text.

    A text stays as it is: it is a time that was so written already (`record/ledger/rows.py`).
    """
    if isinstance(at, str) or at is None:
        return at
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def load_strict_json(text: str | bytes, *, largest: int = MAX_DOCUMENT_BYTES) -> Any:
    """Parse JSON that has one meaning: duplicate keys, NaN, Infinity and the like are refused.

    Raises InvalidInputError with code `malformed_json` or `document_too_large`, or what
    `require_plain_json` raises.
    """
    if len(text) > largest:
        raise InvalidInputError.whole(
            f"The document is larger than {largest // 2**20} MiB.", code="document_too_large"
        )
    try:
        value = _parse(text)
    except ValueError as error:  # JSONDecodeError, UnicodeDecodeError, integers of 5 000 digits
        raise InvalidInputError.whole(
            f"This is not JSON: {error}.", code="malformed_json"
        ) from None
    require_plain_json(value)
    return value


def require_plain_json(value: Any, path: str = "") -> None:
    """Refuse what cannot be recorded without loss, with the path of the first such value."""
    # An explicit stack, so that nesting cannot exhaust Python's own; and places that are spelled
    # out only to be refused, so that many values below a long key cannot exhaust memory.
    waiting: list[tuple[Any, _JsonPath, int]] = [(value, path, 1)]
    while waiting:
        item, where, depth = waiting.pop()
        if depth > MAX_NESTING:
            raise _refusal(where, f"nested deeper than {MAX_NESTING} levels")
        if isinstance(item, str):
            _require_plain_text(item, where)
        elif isinstance(item, bool) or item is None:
            pass
        elif isinstance(item, int | float):
            _require_plain_number(item, where)
        elif isinstance(item, dict):
            if isinstance(item, _Ambiguous):
                raise _refusal((where, item.duplicate_key), "stands here twice")
            for key, child in item.items():
                if not isinstance(key, str):
                    raise _refusal(where, "an object's keys must be text")
                _require_plain_text(key, where)
                waiting.append((child, (where, key), depth + 1))
        elif isinstance(item, list | tuple):
            waiting.extend((child, (where, index), depth + 1) for index, child in enumerate(item))
        else:
            raise _refusal(where, f"{type(item).__name__} is not a JSON value")


def _require_plain_text(text: str, where: _JsonPath) -> None:
    if "\x00" in text:
        raise _refusal(where, "text must not contain the NUL character")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise _refusal(where, "text must not contain half of a surrogate pair") from None


def _require_plain_number(number: float, where: _JsonPath) -> None:
    if isinstance(number, float) and not math.isfinite(number):
        raise _refusal(where, "a number must be finite")
    if abs(number) > MAX_NUMBER:
        raise _refusal(where, "a number must lie within ±(2^53 − 1)")


def _parse(text: str | bytes) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_object)
    except RecursionError:
        return json.loads(_cut_at_max_nesting(text), object_pairs_hook=_object)


class _Ambiguous(dict[str, Any]):
    """An object in which a key stands twice: to be refused once it is known where it stands."""

    duplicate_key: str


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) == len(pairs):
        return result
    ambiguous = _Ambiguous(result)
    ambiguous.duplicate_key = Counter(key for key, _ in pairs).most_common(1)[0][0]
    return ambiguous


def _cut_at_max_nesting(text: str | bytes) -> str:
    """`text` closed where it is nested one level too deep: what is wrong with it has a path."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    closing: list[str] = []
    for found in _BRACKETS.finditer(text):
        if found[1]:
            closing.append("]" if found[1] == "[" else "}")
            if len(closing) > MAX_NESTING:
                return text[: found.end()] + "".join(reversed(closing))
        elif found[0] in ("]", "}") and closing:
            closing.pop()
    return text


def _refusal(where: _JsonPath, message: str) -> InvalidInputError:
    steps: list[str] = []
    while isinstance(where, tuple):
        where, step = where
        steps.append(f"[{step}]" if isinstance(step, int) else f".{step}")
    path = where + "".join(reversed(steps))
    if not where:
        path = path.removeprefix(".")
    # A key that is half of a surrogate pair must not spoil the refusal.
    path = path.encode("utf-8", "replace").decode()
    return InvalidInputError.at(path, message, code="invalid_json")
