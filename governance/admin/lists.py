"""What every list of the admin shares: it is narrowed by its own filters, and by nothing else."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.http import HttpRequest
from unfold.views import ChangeList


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
