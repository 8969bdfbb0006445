"""What every list of the admin shares: it is narrowed by its own filters, and by nothing else.

Lists of what grows for ever go by position, not by page number: the thousandth page costs what the
first does, and rows that arrive meanwhile shift nothing.
"""

from __future__ import annotations

from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import F, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan
from django.http import HttpRequest
from unfold.views import ChangeList

from governance.authorities.contract.capability_history import ContractCursor

AFTER, BEFORE = "after", "before"


class FilteredList(ChangeList):
    """Takes no lookups from the address.

    Django would put any column and any lookup in there to the database: patterns that take for
    ever, times and arrays that PostgreSQL cannot read. What no filter knows is answered like every
    other parameter that does not fit: with the plain list.
    """

    def get_filters(self, request: HttpRequest) -> Any:
        found = super().get_filters(request)
        unknown = found[2]
        if unknown:
            raise IncorrectLookupParameters(f"No filter takes {', '.join(sorted(unknown))}.")
        return found


class CursorPaginatedList(FilteredList):
    """Rows by when they were made, the newest or the oldest first, a page after or before a place.

    The template finds `earlier_url` and `later_url` here, empty where there is nothing.
    """

    earlier_url = later_url = ""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        for name in (AFTER, BEFORE):  # no filters, and no part of the addresses that keep those
            self.params.pop(name, None)
            self.filter_params.pop(name, None)
        rows: QuerySet[Any] = super().get_queryset(request, exclude_parameters)
        return rows

    def get_results(self, request: HttpRequest) -> None:
        """One page, and whether there is more on either side: one query, and nobody counts."""
        after, before = _cursor(request, AFTER), _cursor(request, BEFORE)
        newest_first = self.queryset.query.order_by[0] != "created_at"
        backwards = before is not None
        rows, falls = self.queryset, newest_first != backwards
        if cursor := before or after:
            beyond = TupleLessThan if falls else TupleGreaterThan
            key = Tuple(F("created_at"), F("id"))
            rows = rows.filter(beyond(key, (cursor.created_at, cursor.pk)))
        sign = "-" if falls else ""
        found = list(rows.order_by(f"{sign}created_at", f"{sign}id")[: self.list_per_page + 1])
        has_more = len(found) > self.list_per_page
        page = found[: self.list_per_page]
        self.result_list = page[::-1] if backwards else page
        if after or (before and has_more):
            self.earlier_url = self._beyond(BEFORE, self.result_list[:1])
        if before or has_more:
            self.later_url = self._beyond(AFTER, self.result_list[-1:])
        self.result_count, self.full_result_count = len(page), None
        self.can_show_all, self.multi_page = False, True
        self.show_full_result_count = self.show_admin_actions = False
        self.paginator = self.model_admin.get_paginator(request, self.queryset, self.list_per_page)
        self.paginator.template_name = "admin/governance/_pages.html"

    def _beyond(self, name: str, row: Any) -> str:
        """The page that follows or precedes `row`; the first one where this page is empty."""
        query: str = self.get_query_string({name: str(ContractCursor.of(row[0]))} if row else {})
        return query


def _cursor(request: HttpRequest, name: str) -> ContractCursor | None:
    try:
        return ContractCursor.read(request.GET[name]) if name in request.GET else None
    except ValueError:
        raise IncorrectLookupParameters("No page begins there.") from None
