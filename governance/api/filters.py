"""What lists may be narrowed to; a value that is not known is refused, never ignored.

A filter says what it is called with, how its text is read, and which rows are left: the schema and
the refusals come from the same line. The rows are told in cases, any of which will do, so that a
page can be put together from pages that each follow an index (`pagination.py`): PostgreSQL would
read and sort all that any of several words, or columns, leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.filters import BaseFilterBackend
from rest_framework.request import Request

from governance.api.fields import StrictDateTimeField
from governance.domain.errors import InvalidInputError
from governance.domain.values import (
    ContractStatus,
    JobStatus,
    RiskLevel,
    Source,
)

Rows = QuerySet[Any, Any]
MAX_NAME_LENGTH = 200
MAX_USERNAME_LENGTH = 150


@dataclass(frozen=True, slots=True)
class Filter:
    """One parameter of a list. `read` raises ValueError with what the value must be.

    `branches` says which rows are left, each in one of them or several; none are where it is empty.
    """

    description: str
    schema: Mapping[str, Any]
    example: str
    read: Callable[[str], Any]
    branches: Callable[[Any], Sequence[Q]]
    # By the column that a list is ordered by: a lookup that follows from this one and bounds the
    # walk through that column's index.
    implies: Mapping[str, str] = field(default_factory=dict)

    def as_parameter(self, name: str) -> dict[str, Any]:
        """How OpenAPI describes it."""
        is_list = self.schema["type"] == "array"
        return {
            "name": name,
            "in": "query",
            "required": False,
            "description": self.description,
            "schema": dict(self.schema),
            "example": self.example.split(",") if is_list else self.example,
        } | ({"style": "form", "explode": False} if is_list else {})


class DeclaredFilters(BaseFilterBackend):
    """Narrows a list by the view's `filters`; all that is wrong with them is refused at once.

    What is left in several cases is told to the view, whose `branches` its pages put together.
    """

    def filter_queryset(self, request: Request, queryset: Rows, view: Any) -> Rows:
        wanted, faults = [], []
        for name, declared in view.filters.items():
            if (text := request.query_params.get(name)) is None:
                continue
            try:
                wanted.append((declared, declared.read(text)))
            except ValueError as error:
                faults.append({"path": name, "message": str(error)})
        if faults:
            first = faults[0]
            raise InvalidInputError(f"{first['path']}: {first['message']}.", errors=faults)
        ordered_by = request.query_params.get("ordering", "").removeprefix("-") or "created_at"
        branches = [Q()]
        for declared, value in wanted:
            branches = [branch & other for branch in branches for other in declared.branches(value)]
            if implied := declared.implies.get(ordered_by):
                queryset = queryset.filter(**{implied: value})
        view.branches = branches
        return queryset if branches else queryset.none()

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return [declared.as_parameter(name) for name, declared in view.filters.items()]


# --- kinds of filters ---------------------------------------------------------------------------
def choice_filter(column: str, choices: type[StrEnum], example: str, description: str) -> Filter:
    """One word of a closed set, or several with commas between."""
    known = [str(choice) for choice in choices]

    def read(text: str) -> list[str]:
        selected = text.split(",")
        if not set(selected) <= set(known):
            raise ValueError(f"must be one of {', '.join(known)}, or several of them: A,B")
        return selected

    return Filter(
        description=f"{description} One, or several with commas between: any of them.",
        schema={"type": "array", "items": {"type": "string", "enum": known}, "minItems": 1},
        example=example,
        read=read,
        branches=lambda selected: [Q(**{column: choice}) for choice in dict.fromkeys(selected)],
    )


def datetime_filter(lookup: str, description: str, **implies: str) -> Filter:
    """A time in RFC 3339 with its zone, compared as `lookup` says."""
    return Filter(
        description=f"{description} RFC 3339 with its zone.",
        schema={"type": "string", "format": "date-time"},
        example="2026-11-02T09:00:00Z",
        read=_read_datetime,
        branches=lambda at: [Q(**{lookup: at})],
        implies=implies,
    )


def name_filter(
    branches: Callable[[str], Sequence[Q]], example: str, max_length: int, description: str
) -> Filter:
    """The exact name of something."""

    def read(text: str) -> str:
        if len(text) > max_length:
            raise ValueError(f"must have at most {max_length} characters")
        return text

    return Filter(
        description=description,
        schema={"type": "string", "maxLength": max_length},
        example=example,
        read=read,
        branches=branches,
    )


def capability_filter(path: str) -> Filter:
    """Rows whose contract affects a capability; `path` leads to its names."""
    return name_filter(
        lambda capability: [Q(**{f"{path}__contains": [capability]})],
        example="GiftCards",
        max_length=MAX_NAME_LENGTH,
        description="The exact name of a capability that is affected, or `SYSTEM`.",
    )


def actor_filter(*people: str, description: str) -> Filter:
    """Rows in which any of the columns `people` is somebody, by username.

    Nobody of that name, nothing found: the answer does not tell who has an account.
    """

    def branches(username: str) -> list[Q]:
        known = get_user_model()._default_manager.filter(username=username)
        pk = known.values_list("pk", flat=True).first()
        return [] if pk is None else [Q(**{column: pk}) for column in people]

    return name_filter(
        branches, example="operator", max_length=MAX_USERNAME_LENGTH, description=description
    )


def _read_datetime(text: str) -> datetime:
    try:
        return StrictDateTimeField().to_internal_value(text)
    except ValidationError:
        hint = "; a + in an address is written %2B" if " " in text else ""
        raise ValueError(f"{StrictDateTimeField.default_error_messages['invalid']}{hint}") from None


def _read_id(text: str) -> UUID:
    try:
        if len(text) == 36:
            return UUID(text)
    except ValueError:
        pass
    raise ValueError("must be a UUID, as in 01a20444-2107-75be-ae46-75a54fe02b96")


# --- the lists ----------------------------------------------------------------------------------
# Nothing changes before it is made.
RANGES: Mapping[str, Filter] = {
    "created_after": datetime_filter(
        "created_at__gte", "Made at this time or later.", updated_at="updated_at__gte"
    ),
    "created_before": datetime_filter("created_at__lt", "Made before this time."),
    "updated_after": datetime_filter("updated_at__gte", "Changed at this time or later."),
    "updated_before": datetime_filter(
        "updated_at__lt", "Last changed before this time.", created_at="created_at__lt"
    ),
}

CONTRACT_FILTERS: Mapping[str, Filter] = {
    "status": choice_filter(
        "status", ContractStatus, "APPROVED,ACTIVE", "Contracts that stand there."
    ),
    "risk_level": choice_filter(
        "risk_level", RiskLevel, "critical,high", "Contracts of this risk."
    ),
    "source": choice_filter("source", Source, "ops_alert", "Contracts that came from there."),
    "capability": capability_filter("affected_capabilities"),
    **RANGES,
    "actor": actor_filter(
        *("proposed_by", "approved_by", "closed_by"),
        description="The username of who proposed, approved or closed the contract.",
    ),
}

JOB_FILTERS: Mapping[str, Filter] = {
    "status": choice_filter("status", JobStatus, "PENDING,RUNNING", "Jobs that stand there."),
    "contract": Filter(
        description="The id of the contract that the job belongs to.",
        schema={"type": "string", "format": "uuid"},
        example="01a20444-2107-75be-ae46-75a54fe02b96",
        read=_read_id,
        branches=lambda pk: [Q(contract_id=pk)],
    ),
    "capability": capability_filter("contract__affected_capabilities"),
    **RANGES,
    "actor": actor_filter(
        *("created_by", "started_by", "ended_by"),
        description="The username of who created, started or ended the job.",
    ),
}
