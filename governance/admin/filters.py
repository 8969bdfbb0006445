"""The filters of the admin's lists."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import CheckboxFilter, DropdownFilter, TextFilter

from governance.admin.wording import source_in_words
from governance.authorities.contract.overview import (
    DECISIONS,
    WAITS,
    decided_in,
    waiting_for,
    weeks_until,
)
from governance.authorities.orchestrator.queries import jobs_ended_within
from governance.domain.values import ApprovalKind, ContractStatus, JobStatus, RiskLevel, Source


class WordFilter(CheckboxFilter):
    """A filter by values of an enumeration; any other value in the address matches nothing."""

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
    """A filter by one affected capability, given by its exact name."""

    title = "capability (exact name)"
    parameter_name = "capability"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        name = (self.value() or "").strip()
        if not name:
            return queryset
        return queryset.filter(affected_capabilities__contains=[name])


class RollbackFilter(DropdownFilter):
    """A filter by whether a contract undoes another one."""

    title = "rollback"
    parameter_name = "rollback"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "only rollbacks"), ("pre_authorised", "approved as authorised before")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case None | "":
                return queryset
            case "yes":
                return queryset.filter(rolls_back__isnull=False)
            case ApprovalKind.PRE_AUTHORISED:
                return queryset.filter(rolls_back__isnull=False, approval_kind=self.value())
        return queryset.none()


class WaitsFilter(DropdownFilter):
    """A filter by what a contract is waiting for (`WAITS`)."""

    title = "longest waiting"
    parameter_name = "waits"

    def choices(self, changelist: Any) -> Iterator[Any]:
        for choice in super().choices(changelist):
            # Unfold's label begins with "By", which does not fit this title.
            choice["form"].fields[self.parameter_name].label = self.title.capitalize()
            yield choice

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(WAITS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not (what := self.value()):
            return queryset
        return waiting_for(what, timezone.now(), queryset) if what in WAITS else queryset.none()


class DecidedFilter(DropdownFilter):
    """A filter by decision and week, for the weeks that the home page's chart shows."""

    title = "week of decision"
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
    """A filter by how recently a job ended."""

    title = "end date"
    parameter_name = "ended"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("7", "in the last 7 days"), ("30", "in the last 30 days")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not (days := self.value()):
            return queryset
        if days not in ("7", "30"):
            return queryset.none()
        return jobs_ended_within(int(days), timezone.now(), queryset)
