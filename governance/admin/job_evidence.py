"""What a job's page shows of its evidence: values side by side, signals, routes, checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from governance.authorities.audit.check_rows import CheckRow, check_rows, counted_checks
from governance.authorities.audit.sealed_job import SealedJob
from governance.domain.canonical import timestamp
from governance.domain.observations import ObservationPhase
from governance.domain.values import SYSTEM_SCOPE
from governance.models import AuditEvidence, GovernanceAudit, GovernanceJob, GovernanceSignal

CLIENT = "client"
SIGNAL_FIELDS = ("scope", "signal_type", "decision", "reason", "recorded_at")


@dataclass(frozen=True, slots=True)
class RouteRow:
    """What carried out steps that follow each other, and what observed them."""

    steps: str
    handler: str
    observer: str
    note: str


def evidence_shown(
    job: GovernanceJob, evidence: AuditEvidence | None, steps: Sequence[Mapping[str, Any]]
) -> SealedJob:
    """Return the sealed evidence of a job, or without it what is recorded of the job so far.

    Two queries for a job that has started and is not sealed, otherwise none.

    Args:
        evidence: None if the job has not ended, or if its evidence is not what was sealed.
        steps: the steps that the page shows, as `steps_with_status` returns them.
    """
    if evidence is not None:
        return SealedJob(evidence.document)
    document: dict[str, Any] = {
        "job_status": str(job.status),
        "steps": [
            {name: step[name] for name in ("step_index", "target", "change", "status")}
            for step in steps
        ],
        "step_results": [step["result"].as_record() for step in steps if step["result"]],
        "signals": None,
    }
    if job.started_at is not None:
        observed = list(job.observations.all())
        document["observations"] = {
            name: [one.as_record() for one in observed if one.phase == phase]
            for name, phase in (
                ("before", ObservationPhase.BEFORE),
                ("steps", ObservationPhase.STEP),
                ("after", ObservationPhase.AFTER),
            )
        }
        document["signals"] = _signals_since_start(job)
    return SealedJob(document)


def signals_during(job: SealedJob) -> list[dict[str, Any]] | None:
    """Return the health signals since the job's start, with times; None if nobody listed them."""
    if job.signals is None:
        return None
    return [
        {**signal, "recorded_at": datetime.fromisoformat(signal["recorded_at"])}
        for signal in job.signals
    ]


def checks_context(audit: GovernanceAudit | None) -> dict[str, Any]:
    """Return the checks of the verdict, those that did not pass apart, and the reason beside them.

    There is no reason where each check that did not pass gives its own.
    """
    rows: list[CheckRow] = check_rows(audit.checks) if audit else []
    return {
        "open_checks": [row for row in rows if not row.has_passed],
        "passed_checks": [row for row in rows if row.has_passed],
        "checks_summary": counted_checks(rows) if rows else "",
        "audit_reason": audit.reason if audit and all(row.has_passed for row in rows) else "",
    }


def route_rows(job: SealedJob) -> list[RouteRow]:
    """Return who carried out which steps and who observed them; empty if nobody recorded it."""
    routes = [job.routes[index] for index in sorted(job.routes)]
    rows = []
    for route, group in groupby(routes, key=_served_alike):
        indexes = [one["step_index"] for one in group]
        handler, observer, trusts_reports, shares_database = route
        rows.append(
            RouteRow(
                _steps_from_to(indexes[0], indexes[-1]),
                "an executor over HTTP" if handler == CLIENT else handler,
                observer,
                _note_on(observer, trusts_reports, shares_database),
            )
        )
    return rows


def _signals_since_start(job: GovernanceJob) -> list[dict[str, Any]]:
    found = GovernanceSignal.objects.filter(
        scope__in=[*job.contract.affected_capabilities, SYSTEM_SCOPE],
        recorded_at__gte=job.started_at,
    ).order_by("recorded_at", "id")
    return [
        signal | {"recorded_at": timestamp(signal["recorded_at"])}
        for signal in found.values(*SIGNAL_FIELDS)
    ]


def _served_alike(route: Mapping[str, Any]) -> tuple[str, str, bool, bool]:
    return (
        str(route["handler"]),
        str(route.get("observer") or ""),
        route.get("trust_reports") is True,
        route.get("shares_database") is True,
    )


def _note_on(observer: str, trusts_reports: bool, shares_database: bool) -> str:
    if shares_database:
        return "Executor and observer share one database."
    if observer:
        return ""
    return "Reports are trusted instead." if trusts_reports else "Nobody checks the reports."


def _steps_from_to(first: int, last: int) -> str:
    """Name steps by their indexes, counted from 1."""
    return f"Step {first + 1}" if first == last else f"Steps {first + 1} to {last + 1}"
