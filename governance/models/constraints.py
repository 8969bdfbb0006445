"""Constraints and indexes of several tables, which a migration writes in one or two lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.db.models import CheckConstraint, F, Index, Q, Value
from django.db.models.expressions import CombinedExpression


def plain(values: Iterable[str]) -> list[str]:
    """Convert values to plain text, for PostgreSQL and for migrations."""
    return [str(value) for value in values]


class ClosedSet(CheckConstraint):
    """A check that a column has one of some values; Django's `choices` are not in the database."""

    def __init__(self, column: str, values: Iterable[str], *, name: str) -> None:
        self.arguments = (column, plain(values))
        super().__init__(condition=Q(**{f"{column}__in": self.arguments[1]}), name=name)

    def deconstruct(self) -> Any:
        path, _, options = super().deconstruct()
        return path, self.arguments, {"name": options["name"]}


class FilledWhen(CheckConstraint):
    """A check that no column of `filled` is null while `column` has one of `values`."""

    def __init__(
        self, column: str, values: Iterable[str], filled: Iterable[str], *, name: str
    ) -> None:
        self.arguments = (column, plain(values), list(filled))
        condition = ~Q(**{f"{column}__in": self.arguments[1]}) | Q(
            **{f"{other}__isnull": False for other in self.arguments[2]}
        )
        super().__init__(condition=condition, name=name)

    def deconstruct(self) -> Any:
        path, _, options = super().deconstruct()
        return path, self.arguments, {"name": options["name"]}


class FilledOnlyWhen(CheckConstraint):
    """A check that no column of `filled` is null exactly while `column` has one of `values`.

    Otherwise all of them are null, and the columns of `unset` have the values given there.
    """

    def __init__(
        self,
        column: str,
        values: Iterable[str],
        filled: Iterable[str],
        *,
        unset: Mapping[str, Any] | None = None,
        name: str,
    ) -> None:
        self.arguments = (column, plain(values), list(filled))
        self.unset = dict(unset or {})
        among = Q(**{f"{column}__in": self.arguments[1]})
        has_all = Q(**{f"{other}__isnull": False for other in self.arguments[2]})
        has_none = Q(**dict.fromkeys(self.arguments[2]), **self.unset)
        super().__init__(condition=among & has_all | ~among & has_none, name=name)

    def deconstruct(self) -> Any:
        path, _, options = super().deconstruct()
        unset = {"unset": self.unset} if self.unset else {}
        return path, self.arguments, {"name": options["name"]} | unset


class NotEmpty(CheckConstraint):
    """A check that a text is not empty."""

    def __init__(self, column: str, *, name: str) -> None:
        self.column = column
        super().__init__(condition=~Q(**{column: ""}), name=name)

    def deconstruct(self) -> Any:
        path, _, options = super().deconstruct()
        return path, (self.column,), {"name": options["name"]}


class FilledIndex(Index):
    """An index of the rows whose column `filled` is not null."""

    def __init__(self, filled: str, *, fields: Iterable[str], name: str) -> None:
        self.filled = filled
        condition = Q(**{f"{filled}__isnull": False})
        super().__init__(fields=list(fields), condition=condition, name=name)

    def deconstruct(self) -> Any:
        path, _, options = super().deconstruct()
        return path, (self.filled,), {"fields": options["fields"], "name": options["name"]}


class LaterBy(CombinedExpression):
    """The time in a column plus a duration."""

    def __init__(self, column: str, by: timedelta) -> None:
        super().__init__(F(column), "+", Value(by))
