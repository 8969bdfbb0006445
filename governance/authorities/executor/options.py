"""A table of a configuration file, whose fields are read by name and type, and refused by path."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from governance.domain.errors import InvalidInputError, InvalidRoutesError


class OptionTable:
    """A table of a file: each field is read once, and `require_no_more` ends the reading.

    Every error names the path of its field, as in `route[0].options.url`.

    Args:
        invalid: the error of a wrong field, by default that of the routes file.
    """

    def __init__(
        self,
        values: Mapping[str, Any],
        path: str = "",
        *,
        invalid: type[InvalidInputError] = InvalidRoutesError,
    ) -> None:
        self._invalid = invalid
        self.path = path
        self.values = values
        self._known: set[str] = set()

    def path_of(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def error(self, name: str, message: str) -> InvalidInputError:
        """Make the error of one field; the caller raises it."""
        return self._invalid.at(self.path_of(name), message)

    def holds(self, name: str, value: str) -> bool:
        """Return whether a field has exactly this text."""
        return bool(self._value(name, "") == value)

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text that is not empty; without a default the field is required."""
        value = self._value(name, default)
        if default is not None and value == default:
            return default
        if not isinstance(value, str) or not value.strip() or "\x00" in value:
            raise self.error(name, "must be a text that is not empty")
        return value

    def texts(self, name: str, default: Collection[str] | None = None) -> tuple[str, ...]:
        """Return a list of texts, at least one; without a default the field is required."""
        value = self._value(name, default)
        if default is not None and name not in self.values:
            return tuple(default)
        if not isinstance(value, list) or not value:
            raise self.error(name, "must be a list of texts, at least one")
        for index, one in enumerate(value):
            if not isinstance(one, str) or not one.strip() or "\x00" in one:
                raise self.error(f"{name}[{index}]", "must be a text that is not empty")
        return tuple(value)

    def flag(self, name: str, default: bool = False) -> bool:
        value = self._value(name, default)
        if not isinstance(value, bool):
            raise self.error(name, "must be true or false")
        return value

    def number(self, name: str, default: int, allowed: range) -> int:
        value = self._value(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or value not in allowed:
            raise self.error(name, f"must be a whole number from {allowed[0]} to {allowed[-1]}")
        return value

    def table(self, name: str) -> OptionTable:
        """Return a table within this one; an absent one is empty."""
        value = self._value(name, {})
        if not isinstance(value, dict):
            raise self.error(name, "must be a table")
        return OptionTable(value, self.path_of(name), invalid=self._invalid)

    def tables(self, name: str) -> list[OptionTable]:
        """Return the tables of a list, each with its path; an absent list is empty."""
        value = self._value(name, [])
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise self.error(name, f"must be tables, each below a line [[{name}]]")
        return [
            OptionTable(one, f"{self.path_of(name)}[{index}]", invalid=self._invalid)
            for index, one in enumerate(value)
        ]

    def require_no_more(self) -> None:
        """Refuse a field that nobody read.

        Raises:
            InvalidInputError: with the path of the first such field.
        """
        for name in self.values:
            if name not in self._known:
                known = ", ".join(sorted(self._known))
                raise self.error(name, f"is not a known field; known here are {known or 'none'}")

    def _value(self, name: str, default: Any) -> Any:
        self._known.add(name)
        if name not in self.values and default is None:
            raise self.error(name, "is required")
        return self.values.get(name, default)
