"""Canonical JSON (RFC 8785), its SHA-256, and the check of JSON that arrives.

Equal values have equal canonical bytes, so the hash does not depend on the writer. The check
refuses, with its path, a value that PostgreSQL cannot store, that JSON cannot carry between
languages without loss, or that is nested so deeply that reading it exhausts a process.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

import orjson
import rfc8785

from governance.domain.errors import (
    DocumentTooLargeError,
    InvalidInputError,
    InvalidJsonError,
    MalformedJsonError,
    NumberNotExactError,
)

MAX_NESTING = 32
MAX_NUMBER = 2**53 - 1  # the last integer a double holds exactly
MAX_DOCUMENT_BYTES = 1024 * 1024
NOT_EXACT = "a number must stay the same as a double; one of at most 15 digits does"

# The path to a value: the path of its parent and a key or an index, or the name of the root.
_JsonPath = tuple[Any, str | int] | str
# A string, which may contain brackets, or one bracket. The possessive `*+` prevents backtracking.
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+"?|([\[{])|[\]}]', re.DOTALL)


# orjson sorts keys by code point, and refuses integers that a double does not hold exactly.
_SORTED_AND_EXACT = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER
# Code point order and UTF-16 order differ only between a character beyond U+FFFF, which UTF-16
# writes as a surrogate pair, and one from U+E000 to U+FFFF. These are their first UTF-8 bytes.
_IN_PAIRS = (b"\xf0", b"\xf1", b"\xf2", b"\xf3", b"\xf4")
_ABOVE_SURROGATES = (b"\xee", b"\xef")


def canonical_text(value: Any) -> str:
    """Serialize `value`, which `require_plain_json` accepts, as canonical JSON."""
    return canonical_bytes(value).decode("utf-8")


def canonical_bytes(value: Any) -> bytes:
    """Serialize `value` as canonical JSON in UTF-8.

    `orjson` is ten to twenty times faster than `rfc8785` and writes nearly every value in the same
    way. `rfc8785` serializes the values that `orjson` refuses or may write differently.

    Raises:
        ValueError: for a value that JSON does not have.
    """
    try:
        serialized = orjson.dumps(value, option=_SORTED_AND_EXACT)
    except TypeError:
        return rfc8785.dumps(value)
    if _is_serialized_alike(value) and not _may_be_in_another_order(serialized):
        return serialized
    return rfc8785.dumps(value)


def _is_serialized_alike(value: Any) -> bool:
    """Tell whether orjson and rfc8785 write every part of `value`, which is not circular, alike."""
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
            # RFC 8785 writes a whole float without ".0", and has its own rules for exponents.
            if item.is_integer() or not 1e-4 <= abs(item) <= MAX_NUMBER:
                return False
        elif not isinstance(item, StrEnum):
            return False
    return True


def _may_be_in_another_order(serialized: bytes) -> bool:
    """Tell whether the key order of orjson (code points) and of RFC 8785 (UTF-16) may differ."""
    return (
        not serialized.isascii()
        and any(start in serialized for start in _IN_PAIRS)
        and any(start in serialized for start in _ABOVE_SURROGATES)
    )


def sha256_hex(text: str) -> str:
    """Return the SHA-256 of `text` in UTF-8, as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def digest(value: Any, *, expected: str | None = None) -> str:
    """Return the SHA-256 of the canonical JSON of `value`, as 64 hexadecimal digits.

    The call is faster when the result equals `expected`: orjson nearly always writes canonical
    JSON, and if the SHA-256 of what it writes is `expected`, that is the digest. Do not pass
    `expected` for a value that may hold NaN or an infinity, which orjson writes as `null`.
    """
    if expected is not None:
        try:
            serialized = orjson.dumps(value, option=_SORTED_AND_EXACT)
            if hashlib.sha256(serialized).hexdigest() == expected:
                return expected
        except TypeError:  # rfc8785 serializes the value, or raises the error for it
            pass
    return hashlib.sha256(canonical_bytes(value)).hexdigest()


def load_json(text: str | bytes) -> Any:
    """Parse JSON of the record, with the result of Python's `json` and the speed of orjson.

    Python's parser reads what orjson refuses, such as very long integers. A number that no double
    holds becomes a Decimal, which no serializer here accepts.

    Raises:
        ValueError: for text that is not JSON.
        RecursionError: for JSON that is nested too deeply for Python's parser.
    """
    try:
        return orjson.loads(text)
    except ValueError:
        return json.loads(text, parse_float=_double)


def _double(text: str) -> float | Decimal:
    """Parse a number, as a Decimal if it is infinite: orjson would write an infinity as null."""
    number = float(text)
    return number if math.isfinite(number) else Decimal(text)


def timestamp(at: datetime | str | None) -> str | None:
    """Format an aware time as RFC 3339 in UTC with microseconds: equal times are equal text.

    Text is returned unchanged: `record/ledger/rows.py` passes times that are formatted already.
    """
    if isinstance(at, str) or at is None:
        return at
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def load_strict_json(text: str | bytes, *, largest: int = MAX_DOCUMENT_BYTES) -> Any:
    """Parse JSON that has only one meaning: duplicate keys, NaN and Infinity are refused.

    A number that a double would change is refused too; see `exact_double`.

    Args:
        largest: the most characters of text, or bytes.

    Raises:
        InvalidInputError: with code `document_too_large`, `malformed_json`, or, from
            `require_plain_json`, `invalid_json` or `number_not_exact`.
    """
    if len(text) > largest:
        raise DocumentTooLargeError.whole(f"The document is larger than {largest // 2**20} MiB.")
    try:
        value = _parse(text)
    except ValueError as error:  # JSONDecodeError, UnicodeDecodeError, an integer of 5 000 digits
        raise MalformedJsonError.whole(f"This is not JSON: {error}.") from None
    require_plain_json(value)
    return value


def require_plain_json(value: Any, path: str = "") -> None:
    """Refuse a value that cannot be recorded without loss.

    Raises:
        InvalidInputError: with code `invalid_json` or `number_not_exact`, and the path of the first
            such value.
    """
    # An explicit stack, because deep nesting would exceed Python's recursion limit. A path becomes
    # text only for an error, because many values below a long key would exhaust the memory.
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
                raise _refusal((where, item.duplicate_key), "the key is repeated")
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
    if isinstance(number, _InexactNumber):
        # The message does not repeat the number, because it may be a secret.
        raise _refusal(where, NOT_EXACT, NumberNotExactError)


class _InexactNumber(float):
    """The double of a written number that is another number, refused when its path is known."""


def exact_double(text: str) -> float:
    """Parse a JSON number as the double that every later reader of the record sees.

    The result is exact if the shortest decimal that stands for the double equals the number as it
    is written: 0.1, 1.0 and 1e2 are, 1e-400 (read as 0) and 9007199254740991.4 are not. -0 is 0.
    `require_plain_json` refuses any other result.
    """
    number = float(text)
    shortest = repr(number)
    if shortest == text or not math.isfinite(number):
        return number
    try:
        is_exact = Decimal(shortest) == Decimal(text)
    except InvalidOperation:  # an exponent of 19 digits
        is_exact = False
    return number if is_exact else _InexactNumber(number)


def _parse(text: str | bytes) -> Any:
    hooks: dict[str, Any] = {"object_pairs_hook": _object, "parse_float": exact_double}
    try:
        return json.loads(text, **hooks)
    except RecursionError:
        return json.loads(_cut_at_max_nesting(text), **hooks)


class _Ambiguous(dict[str, Any]):
    """An object with a repeated key, which is refused when its path is known."""

    duplicate_key: str


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) == len(pairs):
        return result
    ambiguous = _Ambiguous(result)
    ambiguous.duplicate_key = Counter(key for key, _ in pairs).most_common(1)[0][0]
    return ambiguous


def _cut_at_max_nesting(text: str | bytes) -> str:
    """Cut `text` one level below `MAX_NESTING` and close it, so that the refusal has a path."""
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


def _refusal(
    where: _JsonPath, message: str, error_class: type[InvalidInputError] = InvalidJsonError
) -> InvalidInputError:
    steps: list[str] = []
    while isinstance(where, tuple):
        where, step = where
        steps.append(f"[{step}]" if isinstance(step, int) else f".{step}")
    path = where + "".join(reversed(steps))
    if not where:
        path = path.removeprefix(".")
    # A key may contain half of a surrogate pair, which no response could encode.
    path = path.encode("utf-8", "replace").decode()
    return error_class.at(path, message)
