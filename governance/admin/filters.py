"""Filters of the lists: words out of closed sets, and a capability by its exact name."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import CheckboxFilter, TextFilter

from governance.admin.wording import source_in_words
from governance.vocabulary.values import ContractStatus, JobStatus, RiskLevel, Source


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
