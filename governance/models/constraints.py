"""Constraints and indexes that several tables have in the same form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import CheckConstraint, Index, Q


def plain(values: Iterable[str]) -> list[str]:
    """Convert values to plain text, for PostgreSQL and for migrations."""
    return [str(value) for value in values]


def closed_set(column: str, values: Iterable[str], *, name: str) -> CheckConstraint:
    """Check that a column has one of some values; Django's `choices` are not in the database."""
    return CheckConstraint(condition=_is_among(column, values), name=name)


def filled_when(
    column: str, values: Iterable[str], filled: Iterable[str], *, name: str
) -> CheckConstraint:
    """Check that no column of `filled` is null while `column` has one of `values`."""
    return CheckConstraint(
        condition=~_is_among(column, values) | _are_filled(filled),
        name=name,
    )


def filled_only_when(
    column: str,
    values: Iterable[str],
    filled: Iterable[str],
    *,
    unset: Mapping[str, Any] | None = None,
    name: str,
) -> CheckConstraint:
    """Check that no column of `filled` is null exactly while `column` has one of `values`.

    Otherwise all of them are null, and the columns of `unset` have the values given there.
    """
    among = _is_among(column, values)
    has_none = Q(**dict.fromkeys(filled), **(unset or {}))
    return CheckConstraint(condition=among & _are_filled(filled) | ~among & has_none, name=name)


def not_empty(column: str, *, name: str) -> CheckConstraint:
    """Check that a text is not empty."""
    return CheckConstraint(condition=~Q(**{column: ""}), name=name)


def filled_index(filled: str, *, fields: Iterable[str], name: str) -> Index:
    """Make an index of the rows whose column `filled` is not null."""
    return Index(fields=list(fields), condition=_are_filled([filled]), name=name)


def _is_among(column: str, values: Iterable[str]) -> Q:
    return Q(**{f"{column}__in": plain(values)})


def _are_filled(columns: Iterable[str]) -> Q:
    return Q(**{f"{column}__isnull": False for column in columns})
