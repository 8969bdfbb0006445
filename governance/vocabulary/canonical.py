"""Write a JSON value down so that equal values have equal bytes (RFC 8785), and hash it.

What may enter a record is decided here, once: values that PostgreSQL cannot store, that JSON
cannot carry between languages without loss, or that are there to exhaust a reader, are refused
with the path at which they stand.
"""

from __future__ import annotations

import hashlib
import json
import math
from datetime import UTC, datetime
from typing import Any

import rfc8785

from governance.vocabulary.errors import InvalidInputError

DEEPEST_NESTING = 32
LARGEST_NUMBER = 2**53 - 1  # the last integer a double holds exactly
LARGEST_DOCUMENT = 1024 * 1024


def canonical_text(value: Any) -> str:
    """The one spelling of `value`, a JSON value that `require_plain_json` accepts."""
    return rfc8785.dumps(value).decode("utf-8")


def sha256_hex(text: str) -> str:
    """SHA-256 of the UTF-8 bytes of `text`, 64 hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def digest(value: Any) -> str:
    """SHA-256 of the canonical form of `value`, 64 hexadecimal digits."""
    return sha256_hex(canonical_text(value))


def timestamp(at: datetime | None) -> str | None:
    """An aware time as RFC 3339 in UTC with microseconds: equal moments, equal text."""
    if at is None:
        return None
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def load_strict_json(text: str | bytes, *, largest: int = LARGEST_DOCUMENT) -> Any:
    """Parse JSON that has one meaning: duplicate keys, NaN, Infinity and the like are refused.

    Raises InvalidInputError with code `malformed_json` or `document_too_large`, or what
    `require_plain_json` raises.
    """
    if len(text) > largest:
        raise InvalidInputError(
            f"The document is larger than {largest // 2**20} MiB.", code="document_too_large"
        )
    try:
        value = json.loads(
            text, object_pairs_hook=_object_without_duplicates, parse_constant=_refuse_constant
        )
    except RecursionError:
        raise _refusal("", f"nested deeper than {DEEPEST_NESTING} levels") from None
    except ValueError as error:  # JSONDecodeError, UnicodeDecodeError, integers of 5 000 digits
        raise InvalidInputError(f"This is not JSON: {error}.", code="malformed_json") from None
    require_plain_json(value)
    return value


def require_plain_json(value: Any, path: str = "") -> None:
    """Refuse what cannot be recorded without loss, with the path of the first such value."""
    # An explicit stack, so that nesting cannot exhaust Python's own.
    waiting = [(value, path, 1)]
    while waiting:
        item, where, depth = waiting.pop()
        if depth > DEEPEST_NESTING:
            raise _refusal(where, f"nested deeper than {DEEPEST_NESTING} levels")
        if isinstance(item, str):
            _require_plain_text(item, where)
        elif isinstance(item, bool) or item is None:
            pass
        elif isinstance(item, int | float):
            _require_plain_number(item, where)
        elif isinstance(item, dict):
            for key, child in item.items():
                if not isinstance(key, str):
                    raise _refusal(where, "an object's keys must be text")
                _require_plain_text(key, where)
                waiting.append((child, f"{where}.{key}" if where else key, depth + 1))
        elif isinstance(item, list | tuple):
            waiting.extend(
                (child, f"{where}[{index}]", depth + 1) for index, child in enumerate(item)
            )
        else:
            raise _refusal(where, f"{type(item).__name__} is not a JSON value")


def _require_plain_text(text: str, where: str) -> None:
    if "\x00" in text:
        raise _refusal(where, "text must not contain the NUL character")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise _refusal(
            where.encode("utf-8", "replace").decode(),
            "text must not contain half of a surrogate pair",
        ) from None


def _require_plain_number(number: float, where: str) -> None:
    if isinstance(number, float) and not math.isfinite(number):
        raise _refusal(where, "a number must be finite")
    if abs(number) > LARGEST_NUMBER:
        raise _refusal(where, "a number must lie within ±(2^53 − 1)")


def _object_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _refusal(key.encode("utf-8", "replace").decode(), "stands here twice")
            seen.add(key)
    return result


def _refuse_constant(name: str) -> None:
    raise _refusal("", f"{name} is not a JSON value")


def _refusal(path: str, message: str) -> InvalidInputError:
    return InvalidInputError.at(path, message, code="unusable_json")
