"""Canonical JSON (RFC 8785), its SHA-256, and the JSON of the record.

Equal values have equal canonical bytes, so the hash does not depend on the writer.
`strict_json.py` checks JSON that arrives.
"""

from __future__ import annotations

import hashlib
import json
import math
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import orjson
import rfc8785

MAX_NUMBER = 2**53 - 1  # the last integer a double holds exactly

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
