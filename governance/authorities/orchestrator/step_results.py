"""Writes of step results: one report or several in order, all with their entries, or none."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from governance.authorities.orchestrator.guards import require_due, token_hash
from governance.authorities.orchestrator.job_state import JobState
from governance.authorities.orchestrator.leases import (
    completion_grace,
    lease_expiry,
    lease_grace,
    require_lease,
)
from governance.authorities.orchestrator.step_reports import same_report
from governance.db.row_mapping import RowMapping, mark_as_saved, prepared_rows, unsaved_instance
from governance.domain.canonical import digest
from governance.domain.errors import ResultConflictError
from governance.domain.values import JobStatus, StepReport, StepStatus
from governance.models import GovernanceJob, StepResult
from governance.record.ledger.chain import NewEntry, actor_name, serialized_entries

# The columns that are known of a job after its report was recorded, without reading the job again.
_LEASED = RowMapping(GovernanceJob, "job", only=["id", "status", "lease_expires_at"])
RecordedResult = tuple[StepResult, bool]

_REPORT_STEP = f"SELECT result, lease FROM governance_report_step({', '.join(['%s'] * 15)})"  # noqa: S608


def record_due_report(
    job_id: UUID, token: str, report: StepReport, *, executor: Any, at: datetime
) -> StepResult | None:
    """Record the report of the step that is due by one SQL call, and return its result.

    Nearly every report takes this path. If the job's state does not allow the report, nothing is
    written and the return value is None; `record_reports` then finds the reason. Of `result.job`,
    only the id, status and lease are loaded.
    """
    if not isinstance(token, str):
        return None
    result = _result(report, executor=executor, at=at, job_id=job_id)
    written = prepared_rows(
        _REPORT_STEP,
        [
            job_id,
            executor.pk,
            actor_name(executor),
            token_hash(token),
            report.step_index,
            str(report.status),
            report.started_at,
            report.completed_at,
            None if report.output is None else json.dumps(report.output),
            report.error,
            None if report.health_after is None else json.dumps(report.health_after),
            at,
            lease_grace(),
            completion_grace(),
            digest(result.as_record()),
        ],
    )
    if not written:
        return None
    result.pk, lease = written[0]
    result.job = _LEASED.row([job_id, JobStatus.RUNNING, lease])
    return mark_as_saved(result)


def record_reports(
    state: JobState, reports: Sequence[StepReport], *, executor: Any, at: datetime
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
        require_lease(job, at)
        if known:
            raise ResultConflictError(
                f"A different result of step {report.step_index} is already recorded.",
                details={"step_index": report.step_index},
            )
        require_due(job, report.step_index, last=last)
        result = _result(report, executor=executor, at=at, job_id=job.pk)
        result.job = job
        stored[report.step_index] = result
        job.current_step_index += 1
        last = report.status
        new.append(result)
        outcomes.append((result, True))
    if new:
        _write(state, new, executor=executor, at=at)
    return outcomes


def _stored(job: GovernanceJob, reports: Sequence[StepReport]) -> dict[int, StepResult]:
    """Return the stored results of the reported steps by index; usually none, without a query."""
    again = [one.step_index for one in reports if one.step_index < job.current_step_index]
    if not again:
        return {}
    rows = job.results.filter(step_index__in=again).select_related("recorded_by")
    return {result.step_index: result for result in rows}


def _result(report: StepReport, *, executor: Any, at: datetime, job_id: UUID) -> StepResult:
    result = unsaved_instance(
        StepResult,
        job_id=job_id,
        step_index=report.step_index,
        status=report.status,
        started_at=report.started_at,
        completed_at=report.completed_at,
        output=report.output,
        error=report.error,
        health_after=report.health_after,
        recorded_at=at,
    )
    result.recorded_by = executor
    return result


def _write(state: JobState, results: Sequence[StepResult], *, executor: Any, at: datetime) -> None:
    job = state.job
    stopped = results[-1].status == StepStatus.FAILED
    left = state.timeouts[len(results) :]
    job.lease_expires_at = lease_expiry(
        job, at=at, timeout_seconds=left[0] if left and not stopped else None
    )
    job.mark_changed(at)
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
    serialized = serialized_entries(
        state.head, contract_id=job.contract_id, entries=entries, actor=executor, at=at
    )
    rows = [record | {"recorded_by_id": record["recorded_by"]} for record in records]
    for result, pk in zip(results, _write_rows(state, rows, serialized), strict=True):
        mark_as_saved(result).pk = pk


def _write_rows(state: JobState, rows: Sequence[Mapping[str, Any]], entries: str) -> list[int]:
    """Write the results and their entries in one call, and return the ids of the results."""
    job = state.job
    written = prepared_rows(
        "SELECT governance_record_step_results(%s, %s, %s, %s, %s, %s)",
        [
            job.contract_id,
            state.head.seq,
            job.pk,
            json.dumps(rows),
            job.lease_expires_at,
            entries,
        ],
    )
    return [pk for (pk,) in written]
