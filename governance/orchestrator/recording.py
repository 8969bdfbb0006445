"""Keep what an executor reports: one step or several in a row, each with its entry, or nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q

from governance.ledger.chain import Entry, append_entries
from governance.models import GovernanceJob, StepResult
from governance.orchestrator.guards import require_due
from governance.orchestrator.leases import lease_until, require_lease
from governance.orchestrator.reports import same_report
from governance.vocabulary.canonical import digest
from governance.vocabulary.errors import ResultConflictError
from governance.vocabulary.values import StepReport, StepStatus

Kept = tuple[StepResult, bool]


def keep_reports(
    job: GovernanceJob, reports: Sequence[StepReport], *, executor: Any, at: datetime
) -> list[Kept]:
    """Of each report its result, and whether it is new; the job is locked, RUNNING, and theirs.

    The number of queries does not grow with the reports. `job` moves on and its lease is renewed.
    Raises LeaseLapsedError for a new report after the lease, ResultConflictError for another one
    than is on record, StepOutOfOrderError for a step that is not due.
    """
    stored = _stored(job, reports)
    outcomes: list[Kept] = []
    new: list[StepResult] = []
    for report in reports:
        known = stored.get(report.step_index)
        if known and same_report(known.report(), report):
            outcomes.append((known, False))
            continue
        require_lease(job, at)
        if known:
            raise ResultConflictError(
                f"Step {report.step_index} has another result on record already.",
                details={"step_index": report.step_index},
            )
        require_due(job, report.step_index, last=stored.get(job.current_step_index - 1))
        result = _result(job, report, executor=executor, at=at)
        stored[report.step_index] = result
        job.current_step_index += 1
        new.append(result)
        outcomes.append((result, True))
    if new:
        _write(job, new, executor=executor, at=at)
    return outcomes


def _stored(job: GovernanceJob, reports: Sequence[StepReport]) -> dict[int, StepResult]:
    """What is on record of the reported steps, and of the last one that was reported before."""
    wanted = Q(step_index__in=[report.step_index for report in reports])
    rows = job.results.filter(wanted | Q(step_index=job.current_step_index - 1))
    return {result.step_index: result for result in rows.select_related("recorded_by")}


def _result(job: GovernanceJob, report: StepReport, *, executor: Any, at: datetime) -> StepResult:
    return StepResult(
        job=job,
        step_index=report.step_index,
        status=report.status,
        started_at=report.started_at,
        completed_at=report.completed_at,
        output=report.output,
        error=report.error,
        health_after=report.health_after,
        recorded_at=at,
        recorded_by=executor,
    )


def _write(
    job: GovernanceJob, results: Sequence[StepResult], *, executor: Any, at: datetime
) -> None:
    stopped = results[-1].status == StepStatus.FAILED
    job.lease_expires_at = lease_until(job, at=at, stopped=stopped)
    records = [result.as_record() for result in results]
    rows = [record | {"recorded_by_id": record["recorded_by"]} for record in records]
    for result, pk in zip(results, _write_rows(job, rows), strict=True):
        result.pk = pk
    entries = [
        Entry(
            f"job.step.{result.status.lower()}",
            step_index=result.step_index,
            reason=result.error,
            records={"step_result_sha256": digest(record)},
        )
        for result, record in zip(results, records, strict=True)
    ]
    append_entries(contract_id=job.contract_id, actor=executor, at=at, entries=entries)


def _write_rows(job: GovernanceJob, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """The rows' ids; each was written while its step was due, and the job moved on."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT governance_record_step_results(%s, %s::jsonb, %s)",
            [job.pk, json.dumps(rows), job.lease_expires_at],
        )
        return [pk for (pk,) in cursor.fetchall()]
