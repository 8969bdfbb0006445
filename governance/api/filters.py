"""Filters of lists. An invalid value is refused, never ignored.

A `Filter` declares its description and how its text becomes branches: conditions of which a row
must meet at least one. The schema and the errors are made from the same declaration.
`pagination.py` reads each branch along an index of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.filters import BaseFilterBackend
from rest_framework.request import Request

from governance.api.fields import NOT_BLANK, StrictDateTimeField, StrictUUIDField
from governance.api.pagination import query_parameter
from governance.domain.values import ContractStatus, JobStatus, RiskLevel, Source
from governance.models import Account

Rows = QuerySet[Any, Any]
MAX_NAME_LENGTH = 200
MAX_USERNAME_LENGTH = 150


@dataclass(frozen=True, slots=True)
class Filter:
    """One query parameter of a list.

    `branches` parses the text and returns conditions; a row must meet at least one. It raises
    ValueError with a message such as "must be a UUID".
    """

    description: str
    schema: Mapping[str, Any]
    example: str
    branches: Callable[[str], list[Q]]

    def as_parameter(self, name: str) -> dict[str, Any]:
        """Return the filter as an OpenAPI parameter object."""
        if self.schema["type"] != "array":
            return query_parameter(name, self.description, self.schema, example=self.example)
        values = {"example": self.example.split(","), "style": "form", "explode": False}
        return query_parameter(name, self.description, self.schema, **values)


class DeclaredFilters(BaseFilterBackend):
    """A filter backend for the view's `filters`; one error names all invalid values.

    It stores the combined branches in the view's `branches`, which the pagination reads.
    """

    def filter_queryset(self, request: Request, queryset: Rows, view: Any) -> Rows:
        faults = {}
        for name, declared in view.filters.items():
            if (text := request.query_params.get(name)) is None:
                continue
            try:
                found = declared.branches(text)
            except ValueError as error:
                faults[name] = str(error)
            else:
                view.branches = [branch & other for branch in view.branches for other in found]
        if faults:
            raise ValidationError(faults)
        return queryset

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return [declared.as_parameter(name) for name, declared in view.filters.items()]


# --- kinds of filters ---------------------------------------------------------------------------
def choice_filter(column: str, choices: type[StrEnum], example: str, description: str) -> Filter:
    """Return a filter for one value of an enumeration, or for several separated by commas."""
    known = [str(choice) for choice in choices]

    def branches(text: str) -> list[Q]:
        selected = dict.fromkeys(text.split(","))
        if not set(selected) <= set(known):
            raise ValueError(f"must be one of {', '.join(known)}, or several, as in A,B")
        return [Q(**{column: choice}) for choice in selected]

    return Filter(
        description=f"{description} Separate several values by commas to match any of them.",
        schema={"type": "array", "items": {"type": "string", "enum": known}, "minItems": 1},
        example=example,
        branches=branches,
    )


def datetime_filter(*lookups: str, description: str) -> Filter:
    """Return a filter that compares a time in RFC 3339 by all of `lookups`."""
    return Filter(
        description=f"{description} RFC 3339 with a time zone.",
        schema={"type": "string", "format": "date-time"},
        example="2026-11-02T09:00:00Z",
        branches=lambda text: [Q(**dict.fromkeys(lookups, _read_datetime(text)))],
    )


def name_filter(
    branches: Callable[[str], list[Q]], example: str, max_length: int, description: str
) -> Filter:
    """Return a filter for an exact name of at most `max_length` characters."""

    def limited_branches(text: str) -> list[Q]:
        if len(text) > max_length:
            raise ValueError(f"must have at most {max_length} characters")
        return branches(text)

    return Filter(
        description=description,
        schema={"type": "string", "maxLength": max_length, "pattern": NOT_BLANK},
        example=example,
        branches=limited_branches,
    )


def capability_filter(path: str) -> Filter:
    """Return a filter for rows whose contract affects a capability; `path` is the names' lookup."""
    return name_filter(
        lambda capability: [Q(**{f"{path}__contains": [capability]})],
        example="GiftCards",
        max_length=MAX_NAME_LENGTH,
        description="The exact name of an affected capability, or `SYSTEM`.",
    )


def actor_filter(*people: str, description: str) -> Filter:
    """Return a filter for rows in which any of the columns `people` is the account of a username.

    An unknown username matches no row, so the response does not reveal which accounts exist.
    """

    def branches(username: str) -> list[Q]:
        known = Account.objects.filter(username=username)
        pk = known.values_list("pk", flat=True).first()
        return [Q(pk__in=[])] if pk is None else [Q(**{column: pk}) for column in people]

    return name_filter(
        branches, example="operator", max_length=MAX_USERNAME_LENGTH, description=description
    )


def _read_datetime(text: str) -> datetime:
    try:
        return StrictDateTimeField().to_internal_value(text)
    except ValidationError:
        hint = "; write the + of a time zone as %2B in a URL" if " " in text else ""
        raise ValueError(f"{StrictDateTimeField.default_error_messages['invalid']}{hint}") from None


def _read_id(text: str) -> UUID:
    try:
        return StrictUUIDField().to_internal_value(text)
    except ValidationError:
        raise ValueError("must be a UUID, as in 01a20444-2107-75be-ae46-75a54fe02b96") from None


# --- the lists ----------------------------------------------------------------------------------
# `updated_at` is never before `created_at`, so a bound on one can imply a bound on the other. That
# excludes no match, but it bounds the scan where the list is ordered by the other column.
RANGES: Mapping[str, Filter] = {
    "created_after": datetime_filter(
        "created_at__gte", "updated_at__gte", description="Created at this time or later."
    ),
    "created_before": datetime_filter("created_at__lt", description="Created before this time."),
    "updated_after": datetime_filter(
        "updated_at__gte", description="Changed at this time or later."
    ),
    "updated_before": datetime_filter(
        "updated_at__lt", "created_at__lt", description="Last changed before this time."
    ),
}

CONTRACT_FILTERS: Mapping[str, Filter] = {
    "status": choice_filter(
        "status", ContractStatus, "APPROVED,ACTIVE", "Contracts with this status."
    ),
    "risk_level": choice_filter(
        "risk_level", RiskLevel, "critical,high", "Contracts with this risk level."
    ),
    "source": choice_filter("source", Source, "ops_alert", "Contracts from this source."),
    "capability": capability_filter("affected_capabilities"),
    **RANGES,
    "actor": actor_filter(
        *("proposed_by", "approved_by", "closed_by"),
        description="The username of the account that proposed, approved or closed the contract.",
    ),
}

JOB_FILTERS: Mapping[str, Filter] = {
    "status": choice_filter("status", JobStatus, "PENDING,RUNNING", "Jobs with this status."),
    "contract": Filter(
        description="The id of the contract that the job belongs to.",
        schema={"type": "string", "format": "uuid"},
        example="01a20444-2107-75be-ae46-75a54fe02b96",
        branches=lambda text: [Q(contract_id=_read_id(text))],
    ),
    "capability": capability_filter("contract__affected_capabilities"),
    **RANGES,
    "actor": actor_filter(
        *("created_by", "started_by", "ended_by"),
        description="The username of the account that created, started or ended the job.",
    ),
}
