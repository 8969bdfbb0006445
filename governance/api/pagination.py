"""Pages by position, not by number: rows that arrive meanwhile shift nothing, nobody counts.

A page says where the next begins: the key of its last row. The whole key is compared, so that a
thousand rows of one import, all of one moment, still page through once each.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from governance.vocabulary.canonical import timestamp
from governance.vocabulary.errors import InvalidInputError

LARGEST_PAGE = 200


class KeysetPagination(BasePagination):
    """What pages have in common; a subclass says how rows are ordered and what their key is."""

    page_size = 50
    parameters = ("cursor", "page_size")
    ordering: tuple[str, ...]

    def key_of(self, row: Any) -> list[Any]:
        """The row's place as JSON values."""
        raise NotImplementedError

    def rows_after(self, rows: QuerySet[Any], key: Any) -> QuerySet[Any]:
        """The rows that follow `key`; ValueError, TypeError or OverflowError if it is no key."""
        raise NotImplementedError

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        size = self._page_size(request)
        rows: QuerySet[Any] = queryset.order_by(*self.ordering)
        if cursor := request.query_params.get("cursor"):
            try:
                rows = self.rows_after(rows, _unpack(cursor))
            except (ValueError, TypeError, OverflowError):
                raise InvalidInputError.at("cursor", "is not one that a page gave out") from None
        page = list(rows[: size + 1])
        self._next: str | None = None
        if len(page) > size:
            page.pop()
            self._next = replace_query_param(
                request.build_absolute_uri(), "cursor", _pack(self.key_of(page[-1]))
            )
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
                    "description": "Where the next page is; null on the last one.",
                },
                "results": schema,
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return [
            {
                "name": "cursor",
                "in": "query",
                "required": False,
                "description": "Where a page begins, as the page before it gave out in `next`.",
                "schema": {"type": "string"},
            },
            {
                "name": "page_size",
                "in": "query",
                "required": False,
                "description": "How many results a page has.",
                "schema": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": LARGEST_PAGE,
                    "default": self.page_size,
                },
            },
        ]

    def _page_size(self, request: Request) -> int:
        given = request.query_params.get("page_size")
        if given is None:
            return self.page_size
        if given.isascii() and given.isdigit() and len(given) <= 4:
            size = int(given)
            if 1 <= size <= LARGEST_PAGE:
                return size
        raise InvalidInputError.at("page_size", f"must be a whole number from 1 to {LARGEST_PAGE}")


class NewestFirst(KeysetPagination):
    """The newest first; of the same moment, the larger id first."""

    ordering = ("-created_at", "-id")

    def key_of(self, row: Any) -> list[Any]:
        return [timestamp(row.created_at), str(row.pk)]

    def rows_after(self, rows: QuerySet[Any], key: Any) -> QuerySet[Any]:
        moment, name = map(str, key)
        created_at, pk = datetime.fromisoformat(moment), UUID(name)
        if created_at.tzinfo is None:
            raise ValueError
        created_at = created_at.astimezone(UTC)
        # The first condition alone bounds the index; the second settles equal moments.
        return rows.filter(created_at__lte=created_at).filter(
            Q(created_at__lt=created_at) | Q(id__lt=pk)
        )


class InSequence(KeysetPagination):
    """In the order of a whole number that counts up: a ledger's `seq`, a job's `step_index`."""

    page_size = LARGEST_PAGE

    def key_of(self, row: Any) -> list[Any]:
        return [getattr(row, self.ordering[0])]

    def rows_after(self, rows: QuerySet[Any], key: Any) -> QuerySet[Any]:
        (number,) = key
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < 2**31:
            raise ValueError
        return rows.filter(**{f"{self.ordering[0]}__gt": number})


class BySeq(InSequence):
    ordering = ("seq",)


class ByStepIndex(InSequence):
    ordering = ("step_index",)


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
