"""The base classes of the admin's lists: no lookups from the address, and cursor pagination.

Tables that grow without bound are paginated by cursor: the thousandth page is as fast as the first,
and rows that are added meanwhile shift no page.
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
    """A list that only its own filters narrow.

    Django would pass any column and lookup of the address to PostgreSQL, including slow patterns
    and invalid times. A parameter that belongs to no filter leads back to the unfiltered list.
    """

    def get_filters(self, request: HttpRequest) -> Any:
        found = super().get_filters(request)
        unknown = found[2]
        if unknown:
            raise IncorrectLookupParameters(f"No filter takes {', '.join(sorted(unknown))}.")
        return found


class CursorPaginatedList(FilteredList):
    """A list in the order of creation, paginated by a cursor in the parameters AFTER and BEFORE.

    `_pages.html` reads `earlier_url` and `later_url`; they are empty where there is no page.
    """

    earlier_url = later_url = ""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        for name in (AFTER, BEFORE):  # a cursor is no filter, and links to filters drop it
            self.params.pop(name, None)
            self.filter_params.pop(name, None)
        rows: QuerySet[Any] = super().get_queryset(request, exclude_parameters)
        return rows

    def get_results(self, request: HttpRequest) -> None:
        """Read one page and whether there are rows on either side; one query, no count."""
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
        """Return the address of the page beyond `row` (one row); without one, the first page."""
        query: str = self.get_query_string({name: str(ContractCursor.of(row[0]))} if row else {})
        return query


def _cursor(request: HttpRequest, name: str) -> ContractCursor | None:
    try:
        return ContractCursor.read(request.GET[name]) if name in request.GET else None
    except ValueError:
        raise IncorrectLookupParameters("No page begins there.") from None
