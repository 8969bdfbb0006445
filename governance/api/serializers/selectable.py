"""The shapes of contracts, jobs and ledger entries: what `fields` and `expand` can select."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.reverse import reverse

from governance.api.compiled_serializers import serialize
from governance.api.pagination import StepIndexPagination
from governance.api.serializers.contracts import (
    ClarificationSerializer,
    ContractSerializer,
    ContractSummarySerializer,
    LedgerEntrySerializer,
    SignatureSerializer,
)
from governance.api.serializers.jobs import JobSerializer, JobSummarySerializer, StepSerializer
from governance.api.shapes import Expansion, LoadedField, Shape, SparseFieldsSerializer
from governance.authorities.contract.queries import open_clarifications_on, signatures_on
from governance.authorities.orchestrator.queries import jobs_of_contracts, steps_with_status
from governance.models import GovernanceJob, SystemContract

READ_CONTRACTS = "governance.view_systemcontract"
READ_JOBS = "governance.view_governancejob"
READ_STEPS = "governance.view_jobstep"


class StepsSerializer(serializers.Serializer[Any]):
    """The first page of a job's steps, as `jobs/{id}/steps/` returns it."""

    next = serializers.URLField(
        allow_null=True, help_text="The URL of the next page; null on the last page."
    )
    results = StepSerializer(many=True)


def _job(**options: Any) -> JobSerializer:
    return JobSerializer(
        read_only=True,
        allow_null=True,
        help_text="Only with `expand=job`: the contract's job; null without one.",
        **options,
    )


def _steps(**options: Any) -> StepsSerializer:
    return StepsSerializer(
        read_only=True,
        allow_null=True,
        help_text="Only with `expand=steps`: the job's steps; null without a job.",
        **options,
    )


class ContractInListSerializer(SparseFieldsSerializer, ContractSummarySerializer):
    """A contract as lists show it; `fields` can leave out any field."""

    job = _job()

    class Meta(ContractSummarySerializer.Meta):
        fields = (*ContractSummarySerializer.Meta.fields, "job")
        read_only_fields = fields


class ContractInFullSerializer(SparseFieldsSerializer, ContractSerializer):
    """A contract with all its fields; `fields` can leave out any of them."""

    job = _job()
    steps = _steps()

    class Meta(ContractSerializer.Meta):
        fields = (*ContractSerializer.Meta.fields, "job", "steps")
        read_only_fields = fields


class JobInListSerializer(SparseFieldsSerializer, JobSummarySerializer):
    """A job as lists show it; `fields` can leave out any field."""

    contract = ContractSummarySerializer(read_only=True, help_text="Only with `expand=contract`.")

    class Meta(JobSummarySerializer.Meta):
        fields = (*JobSummarySerializer.Meta.fields, "contract")
        read_only_fields = fields


class JobInFullSerializer(SparseFieldsSerializer, JobSerializer):
    """A job with all its fields; `fields` can leave out any of them."""

    contract = ContractSummarySerializer(
        read_only=True, help_text="Only with `expand=contract`: the contract as lists show it."
    )
    steps = _steps()

    class Meta(JobSerializer.Meta):
        fields = (*JobSerializer.Meta.fields, "contract", "steps")
        read_only_fields = fields


class LedgerEntryInListSerializer(SparseFieldsSerializer, LedgerEntrySerializer):
    """A ledger entry: `hash` is the SHA-256 of the bytes of `prev_hash`, then `body` in UTF-8."""


# --- loaders of related rows, for a whole page at once -----------------------------------------
def _signatures(contract_ids: Sequence[UUID], request: Request) -> Mapping[UUID, Any]:
    found: dict[UUID, list[Any]] = {pk: [] for pk in contract_ids}
    for row in signatures_on(contract_ids):
        found[row.contract_id].append(serialize(SignatureSerializer, row))
    return found


def _clarifications(contract_ids: Sequence[UUID], request: Request) -> Mapping[UUID, Any]:
    found = open_clarifications_on(contract_ids).select_related("asked_by")
    return {row.contract_id: serialize(ClarificationSerializer, row) for row in found}


def _jobs(contract_ids: Sequence[UUID], request: Request) -> Mapping[UUID, Any]:
    found = _JOB.rows(jobs_of_contracts(contract_ids), request)
    return {UUID(job["contract_id"]): job for job in found}


def _contracts(job_ids: Sequence[UUID], request: Request) -> Mapping[UUID, Any]:
    found = SystemContract.objects.filter(job__in=job_ids).order_by()
    contracts = _CONTRACT.rows(found, request)
    return {UUID(contract["job_id"]): contract for contract in contracts}


def _steps_of_contracts(contract_ids: Sequence[UUID], request: Request) -> Mapping[UUID, Any]:
    jobs = jobs_of_contracts(contract_ids)
    return {job.contract_id: _first_steps(job, request) for job in jobs}


def _steps_of_jobs(job_ids: Sequence[UUID], request: Request) -> Mapping[UUID, Any]:
    jobs = GovernanceJob.objects.filter(pk__in=job_ids)
    return {job.pk: _first_steps(job, request) for job in jobs}


def _first_steps(job: GovernanceJob, request: Request) -> dict[str, Any]:
    address = reverse("api:job-steps", [job.pk], request=request)
    page, following = StepIndexPagination().first_page(job.steps.all(), request, address=address)
    steps = StepSerializer(steps_with_status(job, page), many=True).data
    return {"next": following, "results": steps}


_JOB = Shape(JobSerializer)
_CONTRACT = Shape(ContractSummarySerializer)

CONTRACT_IN_LIST = Shape(ContractInListSerializer, job=Expansion(_jobs, permission=READ_JOBS))
CONTRACT_IN_FULL = Shape(
    ContractInFullSerializer,
    signatures=LoadedField(_signatures),
    clarification=LoadedField(_clarifications),
    job=Expansion(_jobs, permission=READ_JOBS),
    steps=Expansion(_steps_of_contracts, permission=READ_STEPS),
)
JOB_IN_LIST = Shape(JobInListSerializer, contract=Expansion(_contracts, permission=READ_CONTRACTS))
JOB_IN_FULL = Shape(
    JobInFullSerializer,
    contract=Expansion(_contracts, permission=READ_CONTRACTS),
    steps=Expansion(_steps_of_jobs, permission=READ_STEPS),
)
LEDGER_ENTRY = Shape(LedgerEntryInListSerializer)
