"""The responses whose fields a caller may select by `fields` and `expand`."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.reverse import reverse

from governance.api.pagination import StepIndexPagination
from governance.api.serializers.contracts import (
    ContractSerializer,
    ContractSummarySerializer,
    LedgerEntrySerializer,
)
from governance.api.serializers.jobs import JobSerializer, JobSummarySerializer, StepSerializer
from governance.api.sparse_fields import SparseFieldsSerializer
from governance.authorities.orchestrator.queries import steps_with_status
from governance.models import GovernanceJob

_JOB = {"job": "governance.view_governancejob"}
_CONTRACT = {"contract": "governance.view_systemcontract"}
_STEPS = {"steps": "governance.view_jobstep"}


class StepsSerializer(serializers.Serializer[Any]):
    """The first page of a job's steps, as `jobs/{id}/steps/` returns it."""

    next = serializers.URLField(
        allow_null=True, help_text="The URL of the next page; null on the last page."
    )
    results = StepSerializer(many=True)


def job_field() -> JobSerializer:
    return JobSerializer(
        allow_null=True,
        help_text="Only with `expand=job`: the contract's job; null without one.",
    )


def steps_field() -> StepsSerializer:
    """Return the field that shows what the view has read by `first_steps`."""
    return StepsSerializer(
        source="first_steps",
        allow_null=True,
        help_text="Only with `expand=steps`: the job's steps; null without a job.",
    )


class ContractInListSerializer(SparseFieldsSerializer, ContractSummarySerializer):
    """A contract as lists show it; `fields` can leave out any field."""

    expansions = _JOB
    job = job_field()


class ContractInFullSerializer(SparseFieldsSerializer, ContractSerializer):
    """A contract with all its fields; `fields` can leave out any of them."""

    expansions = _JOB | _STEPS
    job = job_field()
    steps = steps_field()


class JobInListSerializer(SparseFieldsSerializer, JobSummarySerializer):
    """A job as lists show it; `fields` can leave out any field."""

    expansions = _CONTRACT
    contract = ContractSummarySerializer(help_text="Only with `expand=contract`.")


class JobInFullSerializer(SparseFieldsSerializer, JobSerializer):
    """A job with all its fields; `fields` can leave out any of them."""

    expansions = _CONTRACT | _STEPS
    contract = ContractSummarySerializer(
        help_text="Only with `expand=contract`: the contract as lists show it."
    )
    steps = steps_field()


class LedgerEntryInListSerializer(SparseFieldsSerializer, LedgerEntrySerializer):
    """A ledger entry: `hash` is the SHA-256 of the bytes of `prev_hash`, then `body` in UTF-8."""


def first_steps(request: Request, **of_job: UUID) -> dict[str, Any] | None:
    """Return the first page of the steps of the job that `of_job` finds; None without a job."""
    job = GovernanceJob.objects.filter(**of_job).first()
    if job is None:
        return None
    address = reverse("api:job-steps", [job.pk], request=request)
    page, following = StepIndexPagination().first_page(job.steps.all(), address)
    return {"next": following, "results": steps_with_status(job, page)}
