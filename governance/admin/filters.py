"""Filters of the lists: words out of closed sets, and a capability by its exact name."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import CheckboxFilter, DropdownFilter, TextFilter

from governance.admin.home_counts import (
    DECISIONS,
    WAITS,
    decided_in,
    ended_within,
    waiting_for,
    weeks_until,
)
from governance.admin.wording import source_in_words
from governance.domain.values import (
    ContractStatus,
    JobStatus,
    RiskLevel,
    Source,
)


class WordFilter(CheckboxFilter):
    """Any of the chosen words. Words that do not exist are not asked for."""

    words: type[StrEnum]
    column: str

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(word), source_in_words(word)) for word in self.words]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        known = {str(word) for word in self.words}
        chosen = [word for word in self.value() or () if word]
        if not chosen:
            return queryset
        return queryset.filter(**{f"{self.column}__in": [w for w in chosen if w in known]})


class StatusFilter(WordFilter):
    title = "status"
    parameter_name = "status"
    column = "status"
    words = ContractStatus


class RiskFilter(WordFilter):
    title = "risk"
    parameter_name = "risk"
    column = "risk_level"
    words = RiskLevel


class SourceFilter(WordFilter):
    title = "source"
    parameter_name = "source"
    column = "source"
    words = Source


class JobStatusFilter(WordFilter):
    title = "status"
    parameter_name = "status"
    column = "status"
    words = JobStatus


class CapabilityFilter(TextFilter):
    """Contracts that affect exactly the capability named."""

    title = "capability (exact name)"
    parameter_name = "capability"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        name = (self.value() or "").strip()
        if not name:
            return queryset
        return queryset.filter(affected_capabilities__contains=[name])


class WaitsFilter(DropdownFilter):
    """Contracts that somebody has to move on."""

    title = "longest waiting"
    parameter_name = "waits"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(WAITS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not (what := self.value()):
            return queryset
        return waiting_for(what, timezone.now(), queryset) if what in WAITS else queryset.none()


class DecidedFilter(DropdownFilter):
    """Contracts on which something was decided in one of the last weeks."""

    title = "decided"
    parameter_name = "decided"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            (f"{decision}-{week:%Y-%m-%d}", f"{decision} in the week of {week:%-d %b}")
            for week in reversed(weeks_until(timezone.now()))
            for decision in DECISIONS
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not (value := self.value()):
            return queryset
        for week in weeks_until(timezone.now()):
            for decision in DECISIONS:
                if value == f"{decision}-{week:%Y-%m-%d}":
                    return decided_in(decision, week, queryset)
        return queryset.none()


class EndedFilter(DropdownFilter):
    """Jobs that ended lately."""

    title = "ended"
    parameter_name = "ended"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("7", "in the last 7 days"), ("30", "in the last 30 days")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not (days := self.value()):
            return queryset
        if days not in ("7", "30"):
            return queryset.none()
        return ended_within(int(days), timezone.now(), queryset)
