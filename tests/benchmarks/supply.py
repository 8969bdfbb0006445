"""Contracts in the state that a measure begins with, by the thousand, the same on both sides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connections

from governance.demo.load.filling import (
    AT_ONCE,
    fill_database,
    first_free_number,
    hire_narrators,
    laws_away,
    prepare_copies,
    reference_of,
)
from governance.demo.load.kinds import NOW, Kind
from governance.demo.load.originals import Narrator, Original, proposal_for
from governance.demo.people import Hiring
from governance.demo.teller import People
from governance.flows import run_job
from governance.models import GovernanceJob, SystemContract
from governance.orchestrator.reports import MOST_REPORTS
from governance.vocabulary.values import JobStatus, StepReport, StepStatus
from tests.benchmarks.twins import copy_to_twins, make_twins

OWNER = "owner"


@dataclass(frozen=True, slots=True)
class Item:
    """What one call is about; a running job with its execution token."""

    contract: UUID
    job: UUID | None
    token: str = ""


class Supplier(Narrator):
    """Tells what nobody measures: how a contract came to where a measure begins."""

    def started(self, told: Mapping[str, Any]) -> None:
        self._execute(self.pending(told), steps=0, begins_at=self.now)

    def reported(self, told: Mapping[str, Any]) -> None:
        job = self.pending(told)
        self._execute(job, steps=job.total_steps, begins_at=self.now - timedelta(minutes=5))


def prefill(contracts: int, *, advance: Callable[[int], object]) -> None:
    """Fill both sides with `contracts` contracts, as `make_load` does, and analyse them.

    No job waits for an executor afterwards: a claim shall find those of its own measure.
    """
    fill_database(contracts=contracts, at=datetime.now(UTC), using=OWNER, seed=6, advance=advance)
    with connections[OWNER].cursor() as cursor:
        make_twins(cursor)
    clear_the_line(_supplier())
    with connections[OWNER].cursor() as cursor:
        copy_to_twins(cursor, list(SystemContract.objects.values_list("pk", flat=True)))


def supply(ends_as: str, number: int, *, steps: int) -> list[Item]:
    """`number` contracts that end as a method of Supplier is named, on both sides, analysed."""
    supplier = _supplier()
    clear_the_line(supplier)
    first = first_free_number(more=True)
    kind = Kind(ends_as, 0, steps, "medium", NOW)
    told = proposal_for(kind, reference_of(first))
    getattr(supplier, ends_as)(told)
    contract = SystemContract.objects.get(reference=told["reference"])
    original = Original(contract.pk, contract.reference, kind)
    [copies] = prepare_copies([original], seed=6, using=OWNER)
    # The original itself leaves the line: a claim shall find its copies alone.
    if job := GovernanceJob.objects.filter(contract=contract, status=JobStatus.PENDING).first():
        run_job.cancel_job(
            job_id=job.pk, reason="It was only copied.", actor=supplier.operator, at=supplier.now
        )
    last = first + number
    for start in range(first + 1, last + 1, AT_ONCE):
        end = min(last, start + AT_ONCE - 1)
        with laws_away(OWNER) as cursor:
            cursor.execute(f"EXECUTE {copies} ({start}, {end}, 0, 0)")
    # A copy's execution token is the text of its job's id.
    items = [
        Item(contract_id, job_id, str(job_id))
        for contract_id, job_id in SystemContract.objects.filter(
            reference__gt=reference_of(first), reference__lte=reference_of(last)
        )
        .order_by("reference")
        .values_list("pk", "job__pk")
    ]
    with connections[OWNER].cursor() as cursor:
        copy_to_twins(cursor, [item.contract for item in items])
    return items


def clear_the_line(supplier: Supplier) -> None:
    """Start whatever waits, on both sides: a claim shall find what its own measure put there, and
    not a job of a hundred steps that another measure left."""
    while run_job.claim_job(executor=supplier.executor, at=datetime.now(UTC)):
        pass
    with connections[OWNER].cursor() as cursor:
        cursor.execute(
            "UPDATE bare.governance_governancejob SET status = 'RUNNING', started_at = created_at,"
            " started_by_id = %s, deadline_at = created_at + timeout_minutes * interval '1 minute',"
            " lease_expires_at = created_at + interval '1 minute',"
            " execution_token_sha256 = repeat('0', 64) WHERE status = 'PENDING'",
            [supplier.executor.pk],
        )


def supply_long_job(steps: int, *, reported: int) -> Item:
    """A running job of that many steps, of which the first `reported` are; on our side alone."""
    supplier = _supplier()
    kind = Kind("pending", 0, steps, "medium", NOW)
    told = proposal_for(kind, reference_of(first_free_number(more=True)))
    job, token = run_job.start_job(
        job_id=supplier.pending(told).pk, executor=supplier.executor, at=supplier.now
    )
    for first in range(0, reported, MOST_REPORTS):
        at = datetime.now(UTC)
        run_job.record_step_results(
            job_id=job.pk,
            token=token,
            reports=[
                StepReport(step, StepStatus.COMPLETED, at, at, output={"done": True})
                for step in range(first, min(reported, first + MOST_REPORTS))
            ],
            executor=supplier.executor,
            at=at,
        )
    return Item(job.contract_id, job.pk, token)


def _supplier() -> Supplier:
    """Of the load's own people; nothing that is supplied is in doubt, so nobody settles it."""
    now = datetime.now(UTC)
    first, _ = hire_narrators(Hiring(), now)
    people = People(first.operator, first.founders, first.executor, first.auditor)
    return Supplier(now, people, resolver=first.auditor)
