"""Keyset pagination: a cursor holds the key of the last row of a page, not a page number.

So new rows do not shift the pages, and no query counts rows. The key ends with a unique column, so
rows with the same time, such as those of one import, still appear exactly once.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models import F, Q, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from governance.api.errors import InvalidParameterError
from governance.domain.canonical import timestamp
from governance.domain.errors import InvalidInputError

MAX_PAGE_SIZE = 200
Rows = QuerySet[Any, Any]


def query_parameter(
    name: str, description: str, schema: Mapping[str, Any], **more: Any
) -> dict[str, Any]:
    """Return an optional query parameter as an OpenAPI parameter object."""
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": description,
        "schema": dict(schema),
        **more,
    }


class KeysetPagination(BasePagination):
    """The base of keyset paginations; a subclass defines the order of the rows and their key."""

    page_size = 50

    def in_order(self, rows: Rows, request: Request) -> Rows:
        """Order the rows as requested."""
        raise NotImplementedError

    def key_of(self, row: Any) -> list[Any]:
        """Return the row's key as JSON values."""
        raise NotImplementedError

    def rows_after(self, rows: Rows, key: Any) -> Rows:
        """Return the rows after `key`; ValueError, TypeError or OverflowError if it is no key."""
        raise NotImplementedError

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        size = self._page_size(request)
        rows = self.in_order(queryset, request)
        if cursor := request.query_params.get("cursor"):
            try:
                rows = self.rows_after(rows, _unpack(cursor))
            except (ValueError, TypeError, OverflowError):
                raise InvalidInputError.at("cursor", "must be the cursor of a `next` URL") from None
        rows = _first_of_branches(rows, view.branches, size + 1)
        page, self._next = self._cut(list(rows), size, request.build_absolute_uri())
        return page

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"next": self._next, "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["next", "results"],
            "properties": {
                "next": {
                    "type": ["string", "null"],
                    "format": "uri",
                    "description": "The URL of the next page; null on the last page.",
                },
                "results": schema,
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        size = {"minimum": 1, "maximum": MAX_PAGE_SIZE, "default": self.page_size}
        return [
            query_parameter(
                "cursor",
                "Where the page begins: the cursor in `next` of the page before.",
                {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"},
            ),
            query_parameter(
                "page_size", "The number of results in a page.", {"type": "integer"} | size
            ),
        ]

    def _cut(self, rows: list[Any], size: int, address: str) -> tuple[list[Any], str | None]:
        """Return the first `size` of the rows, and the URL of the page after them, or None."""
        if len(rows) <= size:
            return rows, None
        page = rows[:size]
        return page, replace_query_param(address, "cursor", _pack(self.key_of(page[-1])))

    def _page_size(self, request: Request) -> int:
        given = request.query_params.get("page_size")
        if given is None:
            return self.page_size
        if given.isascii() and given.isdigit() and len(given) <= 4:
            size = int(given)
            if 1 <= size <= MAX_PAGE_SIZE:
                return size
        raise InvalidInputError.at("page_size", f"must be a whole number from 1 to {MAX_PAGE_SIZE}")


class TimePagination(KeysetPagination):
    """Pages ordered by the time of creation or of the last change, then by id.

    A cursor belongs to its ordering and is refused with another one.
    """

    orderings: Mapping[str, str] = {
        "-created_at": "newest first",
        "created_at": "oldest first",
        "-updated_at": "last changed first",
        "updated_at": "changed longest ago first",
    }

    def in_order(self, rows: Rows, request: Request) -> Rows:
        self.ordering = request.query_params.get("ordering", next(iter(self.orderings)))
        if self.ordering not in self.orderings:
            raise InvalidParameterError.at(
                "ordering",
                f"must be one of {', '.join(self.orderings)}",
            )
        self.column = self.ordering.removeprefix("-")
        direction = "-" if self.ordering.startswith("-") else ""
        return rows.order_by(f"{direction}{self.column}", f"{direction}id")

    def key_of(self, row: Any) -> list[Any]:
        return [self.ordering, timestamp(getattr(row, self.column)), str(row.pk)]

    def rows_after(self, rows: Rows, key: Any) -> Rows:
        ordering, moment, name = map(str, key)
        if ordering != self.ordering:
            raise InvalidInputError.at("cursor", f"does not belong to ordering={self.ordering}")
        at, pk = datetime.fromisoformat(moment), UUID(name)
        if at.tzinfo is None:
            raise ValueError
        follows = TupleLessThan if self.ordering.startswith("-") else TupleGreaterThan
        # A row comparison of the whole key lets PostgreSQL start the index scan at that key.
        return rows.filter(follows(Tuple(F(self.column), F("id")), (at.astimezone(UTC), pk)))

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        names = list(self.orderings)
        meanings = "; ".join(f"`{name}`: {meaning}" for name, meaning in self.orderings.items())
        return [
            *super().get_schema_operation_parameters(view),
            query_parameter(
                "ordering",
                f"{meanings}. A cursor is valid only for its ordering. A row that changes while "
                "you page moves to the end with `updated_at`: you may see it twice, but never miss "
                "it. With `-updated_at` it moves to the front: you may miss it.",
                {"type": "string", "enum": names, "default": names[0]},
                example="updated_at",
            ),
        ]


class SequencePagination(KeysetPagination):
    """Pages ordered by a counting column: a ledger's `seq`, a job's `step_index`."""

    page_size = MAX_PAGE_SIZE
    column: str
    max_number = 2**31

    def in_order(self, rows: Rows, request: Request) -> Rows:
        return rows.order_by(self.column)

    def key_of(self, row: Any) -> list[Any]:
        return [getattr(row, self.column)]

    def rows_after(self, rows: Rows, key: Any) -> Rows:
        (number,) = key
        if (
            isinstance(number, bool)
            or not isinstance(number, int)
            or not 0 <= number < self.max_number
        ):
            raise ValueError
        return rows.filter(**{f"{self.column}__gt": number})


class SeqPagination(SequencePagination):
    column = "seq"


class IdPagination(SequencePagination):
    """Pages of rows whose ids count up, oldest first."""

    column = "id"
    max_number = 2**63


class StepIndexPagination(SequencePagination):
    column = "step_index"

    def first_page(self, rows: Rows, address: str) -> tuple[list[Any], str | None]:
        """Return the first rows, and the URL of the next page under `address`, or None."""
        first = list(rows.order_by(self.column)[: self.page_size + 1])
        return self._cut(first, self.page_size, address)


def _first_of_branches(rows: Rows, branches: Sequence[Q], number: int) -> Rows:
    """Return the first `number` rows that meet at least one of the conditions `branches`.

    The first rows of each branch are read along its own index; among these are the wanted ones.
    With a single OR, PostgreSQL would read and sort every matching row.
    """
    if len(branches) == 1:
        return rows.filter(branches[0])[:number]
    ids = [rows.filter(branch).values("pk")[:number] for branch in branches]
    return rows.filter(pk__in=ids[0].union(*ids[1:]))[:number]


def _pack(key: Sequence[Any]) -> str:
    text = json.dumps(list(key), separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _unpack(cursor: str) -> Any:
    try:
        packed = cursor.encode("ascii")
        text = base64.b64decode(packed + b"=" * (-len(packed) % 4), b"-_", validate=True)
        return json.loads(text)
    except (binascii.Error, UnicodeError, RecursionError):
        raise ValueError from None
