"""The check of JSON that arrives, before it becomes part of the record.

It refuses, with its path, a value that PostgreSQL cannot store, that JSON cannot carry between
languages without loss, or that is nested so deeply that reading it exhausts a process.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from decimal import Decimal, InvalidOperation
from typing import Any

from governance.domain.canonical import MAX_NUMBER
from governance.domain.errors import (
    DocumentTooLargeError,
    InvalidInputError,
    InvalidJsonError,
    MalformedJsonError,
    NumberNotExactError,
)

MAX_NESTING = 32
MAX_DOCUMENT_BYTES = 1024 * 1024
NOT_EXACT = "a number must stay the same as a double; one of at most 15 digits does"

# The path to a value: the path of its parent and a key or an index, or the name of the root.
_JsonPath = tuple[Any, str | int] | str
# A string, which may contain brackets, or one bracket. The possessive `*+` prevents backtracking.
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+"?|([\[{])|[\]}]', re.DOTALL)


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
