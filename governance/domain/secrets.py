"""Secrets: a value of a secret's key is a reference, `secret://NAME`, and never the secret itself.

An executor resolves the reference on its own machine. docs/proposals.md has the rule for keys.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from governance.domain.changes import Change, ConfigurationUpdate, ParameterChange
from governance.domain.errors import SecretInClearError

# What reads in place of a secret that an earlier version recorded in clear. It is no reference.
HIDDEN_SECRET = "secret://?"  # noqa: S105 - hides a secret
REFERENCE_RULE = "is a secret's value, which must be a reference secret://NAME (or null)"
_REFERENCE = re.compile(r"secret://[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")

# Between two words of a key: not a letter, or a capital that begins a word.
_BOUNDARY = re.compile(r"[\W\d_]+|(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
# A key is about secrets, and its value is none, if one of these words comes before the secret's
# word (`max_tokens`) or one of those comes after it (`password_min_length`).
_BEFORE = frozenset(
    re.findall(r"\w+", "allow count enable max maximum min minimum num number per require total")
)
_AFTER = frozenset(
    re.findall(
        r"\w+",
        """age algorithm attempts bucket count days enabled endpoint expiration expires expiry file
        format host hours interval length lifetime limit max maximum min minimum minutes mode name
        number path period policy required rotation seconds size timeout ttl type uri url window""",
    )
)


@dataclass(frozen=True, slots=True)
class SecretKeys:
    """The keys of secrets: by the words in them, such as "api key", or by their whole names."""

    words: Collection[str]
    names: Collection[str] = ()

    def __contains__(self, key: str) -> bool:
        if key in self.names:
            return True
        parts = _words_of(key)
        return any(
            _BEFORE.isdisjoint(parts[:first]) and _AFTER.isdisjoint(parts[last:])
            for first, last in self._spans_in(parts)
        )

    def _spans_in(self, parts: list[str]) -> Iterator[tuple[int, int]]:
        """Yield where one of the words stands in a key: `api_key`, `apikey` and `API-Keys`."""
        for wanted in map(_words_of, self.words):
            for first in range(len(parts)):
                for last in (first + 1, first + len(wanted)):
                    if "".join(parts[first:last]) == "".join(wanted):
                        yield first, last


def clear_secrets(
    value: Any, path: str, keys: SecretKeys, *, is_secret: bool = False
) -> Iterator[str]:
    """Yield the path of each secret in clear in `value`; below a secret's key all values are."""
    if isinstance(value, dict):
        for key, child in value.items():
            yield from clear_secrets(
                child, f"{path}.{key}", keys, is_secret=is_secret or key in keys
            )
    elif isinstance(value, list | tuple):
        for index, child in enumerate(value):
            yield from clear_secrets(child, f"{path}[{index}]", keys, is_secret=is_secret)
    elif is_secret and value is not None and not _is_reference(value):
        yield path


def secrets_in_change(change: Change, path: str, keys: SecretKeys) -> Iterator[str]:
    """Yield the path of each secret in clear in a change."""
    match change:
        case ConfigurationUpdate():
            is_secret = change.key in keys
            for name in ("old_value", "new_value"):
                value = getattr(change, name)
                yield from clear_secrets(value, f"{path}.{name}", keys, is_secret=is_secret)
        case ParameterChange():
            yield from clear_secrets(change.parameters, f"{path}.parameters", keys)


def refuse_clear_secrets(paths: Iterable[str]) -> None:
    """Refuse secrets in clear. The error has their paths and never a value.

    Raises:
        SecretInClearError: there is a path.
    """
    faults = [{"path": path, "message": REFERENCE_RULE} for path in paths]
    if faults:
        raise SecretInClearError(f"{faults[0]['path']}: {REFERENCE_RULE}.", errors=faults)


def _is_reference(value: Any) -> bool:
    return isinstance(value, str) and _REFERENCE.fullmatch(value) is not None


def _words_of(key: str) -> list[str]:
    """Return the words of a key in small letters and in the singular."""
    words = (word.lower() for word in _BOUNDARY.split(unicodedata.normalize("NFKC", key)) if word)
    return [word[:-1] if word.endswith("s") and word not in _AFTER else word for word in words]
