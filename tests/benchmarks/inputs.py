"""Thousands of contracts in the state that a measure begins with, equal on both sides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connections

from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.authorities.orchestrator.step_reports import MAX_REPORTS
from governance.db.clock import adjustable_clock
from governance.demo.scenario import People
from governance.domain.values import JobStatus, StepReport, StepStatus
from governance.flows import run_job
from governance.models import GovernanceJob, SystemContract
from governance.services.registry.operations import register_capabilities
from tests.benchmarks.load.filling import (
    COPIES_PER_STATEMENT,
    create_scenario_writers,
    fill_database,
    first_free_number,
    prepare_copies,
    reference_of,
    triggers_disabled,
)
from tests.benchmarks.load.kinds import NOW, ContractKind
from tests.benchmarks.load.originals import LoadScenarioWriter, Original, proposal_for
from tests.benchmarks.load.people import UserFactory
from tests.benchmarks.mirror_tables import copy_to_mirror_tables, create_mirror_tables

OWNER = "owner"


@dataclass(frozen=True, slots=True)
class Item:
    """The contract or job of one call; a running job has its execution token."""

    contract: UUID
    job: UUID | None
    token: str = ""


class InputWriter(LoadScenarioWriter):
    """A scenario writer for the states in which a measure begins."""

    def started(self, proposal: Mapping[str, Any]) -> None:
        self._execute(self.pending(proposal), steps=0, begins_at=self.now)

    def reported(self, proposal: Mapping[str, Any]) -> None:
        job = self.pending(proposal)
        self._execute(job, steps=job.total_steps, begins_at=self.now - timedelta(minutes=5))


def prefill(contracts: int, *, advance: Callable[[int], object]) -> None:
    """Fill the tables of both sides with contracts of `tests.benchmarks.load`, and analyse them.

    No job is PENDING afterwards, so that a claim finds only the jobs of its own measure.
    """
    fill_database(contracts=contracts, at=datetime.now(UTC), using=OWNER, seed=6, advance=advance)
    with connections[OWNER].cursor() as cursor:
        create_mirror_tables(cursor)
    start_all_pending(_writer())
    with connections[OWNER].cursor() as cursor:
        copy_to_mirror_tables(cursor, list(SystemContract.objects.values_list("pk", flat=True)))


def inputs(ends_as: str, number: int, *, steps: int, registered: bool = False) -> list[Item]:
    """Add `number` contracts to both sides, and analyse the tables.

    Args:
        ends_as: The method of InputWriter that makes the first one, which is then copied.
        registered: Register the capabilities of the contracts, so that steps can change them.
    """
    writer = _writer()
    start_all_pending(writer)
    first = first_free_number(append=True)
    kind = ContractKind(ends_as, 0, steps, "medium", NOW, is_apart=True)
    proposal = proposal_for(kind, reference_of(first))
    if registered:
        register(proposal["affected_capabilities"])
    with adjustable_clock():
        getattr(writer, ends_as)(proposal)
    contract = SystemContract.objects.get(reference=proposal["reference"])
    original = Original(contract.pk, contract.reference, kind)
    [copies] = prepare_copies([original], seed=6, using=OWNER)
    # The original is cancelled, so that a claim finds only its copies.
    if job := GovernanceJob.objects.filter(contract=contract, status=JobStatus.PENDING).first():
        run_job.cancel_job(job_id=job.pk, reason="It was only copied.", actor=writer.operator)
    last = first + number
    for start in range(first + 1, last + 1, COPIES_PER_STATEMENT):
        end = min(last, start + COPIES_PER_STATEMENT - 1)
        with triggers_disabled(OWNER) as cursor:
            cursor.execute(f"EXECUTE {copies} ({start}, {end}, 0, 0)")
    made = SystemContract.objects.filter(
        reference__gt=reference_of(first), reference__lte=reference_of(last)
    ).order_by("reference")
    if registered:
        affected = made.values_list("affected_capabilities", flat=True)
        register([name for names in affected for name in names])
    # A copy's execution token is the text of its job's id.
    items = [
        Item(contract_id, job_id, str(job_id))
        for contract_id, job_id in made.values_list("pk", "job__pk")
    ]
    with connections[OWNER].cursor() as cursor:
        copy_to_mirror_tables(cursor, [item.contract for item in items])
    return items


def register(names: list[str]) -> None:
    """Register capabilities, with the value that the contracts of a load change first."""
    register_capabilities(
        documents=[{"name": name, "configuration": {"limit_0": 20}} for name in names]
    )


def start_all_pending(writer: InputWriter) -> None:
    """Start all PENDING jobs on both sides, so that a claim finds only those of its own measure.

    An earlier measure may have left jobs of a hundred steps.
    """
    while GovernanceOrchestrator.claim_job(executor=writer.executor):
        pass
    with connections[OWNER].cursor() as cursor:
        cursor.execute(
            "UPDATE bare.governance_governancejob SET status = 'RUNNING', started_at = created_at,"
            " started_by_id = %s, deadline_at = created_at + timeout_minutes * interval '1 minute',"
            " lease_expires_at = created_at + interval '1 minute',"
            " execution_token_sha256 = repeat('0', 64) WHERE status = 'PENDING'",
            [writer.executor.pk],
        )


def long_job_input(steps: int, *, reported: int) -> Item:
    """Make a running job with `steps` steps, of which the first `reported` are reported.

    The mirror tables do not get this job.
    """
    writer = _writer()
    kind = ContractKind("pending", 0, steps, "medium", NOW)
    proposal = proposal_for(kind, reference_of(first_free_number(append=True)))
    with adjustable_clock():
        pending = writer.pending(proposal)
    job, token = GovernanceOrchestrator.start_job(pending.pk, executor=writer.executor)
    for first in range(0, reported, MAX_REPORTS):
        at = datetime.now(UTC)
        GovernanceOrchestrator.record_step_results(
            job.pk,
            token=token,
            reports=[
                StepReport(step, StepStatus.COMPLETED, at, at, output={"done": True})
                for step in range(first, min(reported, first + MAX_REPORTS))
            ],
            executor=writer.executor,
        )
    return Item(job.contract_id, job.pk, token)


def _writer() -> InputWriter:
    """Return a writer with the users of the load; no input here has an audit to resolve."""
    now = datetime.now(UTC)
    first, _ = create_scenario_writers(UserFactory(), now)
    people = People(first.operator, first.founders, first.executor, first.auditor)
    return InputWriter(now, people, resolver=first.auditor)
