"""Step results: what the reports of an executor become, all with their entries, or none."""

from __future__ import annotations

import json
from collections.abc import Sequence

from governance.authorities.orchestrator.guards import require_due, require_times
from governance.authorities.orchestrator.job_state import JobState
from governance.authorities.orchestrator.leases import completion_grace, lease_grace, require_lease
from governance.authorities.orchestrator.step_reports import same_report
from governance.db.rows import fetch_rows
from governance.domain.canonical import digest
from governance.domain.errors import ResultConflictError
from governance.domain.values import StepReport
from governance.models import Account, GovernanceJob, StepResult
from governance.record.ledger.chain import NewEntry, actor_name, entries_as_json

# A result, and whether it is new.
RecordedResult = tuple[StepResult, bool]

_WRITE = f"SELECT * FROM governance_record_step_results({', '.join(['%s'] * 9)})"  # noqa: S608 - placeholders


def record_reports(
    state: JobState, reports: Sequence[StepReport], *, executor: Account
) -> list[RecordedResult]:
    """Record the reports of a RUNNING job that `executor` started.

    One statement writes all new results, and one reads the stored results of steps that are
    reported again. New results move the job's cursor and renew its lease.

    Returns:
        For each report, in order, its result and whether the result is new.

    Raises:
        LeaseExpiredError: a new report after the lease.
        ResultConflictError: a step that has a different result already.
        StepOutOfOrderError: a step that is not due.
        InvalidInputError: a step that ran before the job's start, or that ends in the future.
    """
    job, last = state.job, state.last
    stored = _stored(job, reports)
    outcomes: list[RecordedResult] = []
    new: list[StepResult] = []
    for report in reports:
        known = stored.get(report.step_index)
        if known and same_report(known.report(), report):
            outcomes.append((known, False))
            continue
        require_lease(job, state.now)
        if known:
            raise ResultConflictError(
                f"A different result of step {report.step_index} is already recorded.",
                details={"step_index": report.step_index},
            )
        require_due(job, report.step_index, last=last)
        require_times(job, report, now=state.now)
        result = StepResult(
            job=job,
            step_index=report.step_index,
            status=report.status,
            started_at=report.started_at,
            completed_at=report.completed_at,
            output=report.output,
            error=report.error,
            health_after=report.health_after,
            recorded_at=state.now,
            recorded_by=executor,
        )
        stored[report.step_index] = result
        job.current_step_index += 1
        last = report.status
        new.append(result)
        outcomes.append((result, True))
    if new:
        _write(state, new, executor=executor)
    return outcomes


def _stored(job: GovernanceJob, reports: Sequence[StepReport]) -> dict[int, StepResult]:
    """Return the stored results of the reported steps by index; usually none, without a query."""
    again = [one.step_index for one in reports if one.step_index < job.current_step_index]
    if not again:
        return {}
    rows = job.results.filter(step_index__in=again).select_related("recorded_by")
    return {result.step_index: result for result in rows}


def _write(state: JobState, results: Sequence[StepResult], *, executor: Account) -> None:
    job = state.job
    records = [result.as_record() for result in results]
    entries = [
        NewEntry(
            f"job.step.{result.status.lower()}",
            step_index=result.step_index,
            reason=result.error,
            records={"step_result_sha256": digest(record)},
        )
        for result, record in zip(results, records, strict=True)
    ]
    written = fetch_rows(
        _WRITE,
        [
            job.contract_id,
            state.head.seq,
            job.pk,
            actor_name(executor),
            state.now,
            lease_grace(),
            completion_grace(),
            json.dumps([record | {"recorded_by_id": executor.pk} for record in records]),
            entries_as_json(entries),
        ],
    )
    for result, (pk, lease) in zip(results, written, strict=True):
        result.pk = pk
        job.lease_expires_at = lease
    job.updated_at = state.now
