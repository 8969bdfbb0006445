"""Counts of many queries at once, each up to a thousand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import QuerySet

MAX_COUNTED = 1_000


@dataclass(frozen=True, slots=True)
class Count:
    """A number of rows, exact up to `MAX_COUNTED`."""

    number: int

    @property
    def words(self) -> str:
        return "more than 1 000" if self.number > MAX_COUNTED else str(self.number)

    @property
    def short(self) -> str:
        return "1 000+" if self.number > MAX_COUNTED else str(self.number)


def capped_counts(questions: Mapping[Any, QuerySet[Any]]) -> dict[Any, Count]:
    """Count the rows of each question, reading at most `MAX_COUNTED` + 1 of them; one query.

    An ordering of a question is kept, because it can make PostgreSQL find the rows sooner.
    """
    if not questions:
        return {}
    parts: list[str] = []
    params: list[Any] = []
    for rows in questions.values():
        found = rows if rows.query.order_by else rows.order_by()
        sql, given = found.values("pk")[: MAX_COUNTED + 1].query.sql_with_params()
        parts.append(f"(SELECT count(*) FROM ({sql}) AS counted)")  # noqa: S608 - Django's own
        params += given
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(parts), params)
        numbers = cursor.fetchone()
    return dict(zip(questions, map(Count, numbers), strict=True))
