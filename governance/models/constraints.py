"""Constraints that several tables share, in a form that a migration keeps in a line or two."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.db.models import CheckConstraint, F, Index, Q, Value
from django.db.models.expressions import CombinedExpression


def plain(values: Iterable[str]) -> list[str]:
    """List values as plain text, as PostgreSQL and migrations have them."""
    return [str(value) for value in values]


class ClosedSet(CheckConstraint):
    """PostgreSQL's own copy of a closed set; Django's `choices` do not reach the database."""

    def __init__(self, column: str, values: Iterable[str], *, name: str) -> None:
        self.arguments = (column, plain(values))
        super().__init__(condition=Q(**{f"{column}__in": self.arguments[1]}), name=name)

    def deconstruct(self) -> Any:
        path, _, options = super().deconstruct()
        return path, self.arguments, {"name": options["name"]}


class FilledWhen(CheckConstraint):
    """A row whose `column` has one of `values` has something in each of `filled`."""

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
    """A row has something in each of `filled` just while its `column` has one of `values`.

    Otherwise those are null, and the columns of `unset` have the values given there.
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
    """A text that is not empty."""

    def __init__(self, column: str, *, name: str) -> None:
        self.column = column
        super().__init__(condition=~Q(**{column: ""}), name=name)

    def deconstruct(self) -> Any:
        path, _, options = super().deconstruct()
        return path, (self.column,), {"name": options["name"]}


class FilledIndex(Index):
    """An index of the rows that have something in the column `filled`."""

    def __init__(self, filled: str, *, fields: Iterable[str], name: str) -> None:
        self.filled = filled
        condition = Q(**{f"{filled}__isnull": False})
        super().__init__(fields=list(fields), condition=condition, name=name)

    def deconstruct(self) -> Any:
        path, _, options = super().deconstruct()
        return path, (self.filled,), {"fields": options["fields"], "name": options["name"]}


class LaterBy(CombinedExpression):
    """The time in a column, and so much later."""

    def __init__(self, column: str, by: timedelta) -> None:
        super().__init__(F(column), "+", Value(by))
