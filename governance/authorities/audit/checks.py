"""The checks A-001, A-002, A-004, A-005 and A-006: scope, health, timing, rollback, signals.

Each reads the sealed evidence of one job and concludes PASS, FAIL or INCONCLUSIVE.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from governance.authorities.audit.findings import (
    Conclusion,
    conclude,
    first_items,
    listed,
    shown_value,
    step_in_words,
)
from governance.authorities.audit.sealed_job import TARGET_FIELDS, Document, SealedJob
from governance.domain.health import BEST_TO_WORST, is_worse
from governance.domain.values import SYSTEM_SCOPE, HealthDecision, StepStatus

_DECISIONS = [*map(str, BEST_TO_WORST)]


def check_scope(job: SealedJob) -> Conclusion:
    """A-001: conclude whether every step and every report stayed inside the contract."""
    failures, gaps = [], []
    targets = sorted({step["target"] for step in job.steps.values()})
    if job.affected is None:
        gaps.append("The evidence does not say which capabilities the contract affects.")
    elif outside := [name for name in targets if name not in job.affected]:
        failures.append(f"The plan changes {listed(outside)}, outside the contract.")
    for result in job.results:
        index = result["step_index"]
        step = job.steps.get(index)
        if step is None:
            failures.append(f"{step_in_words(index)} was reported, but it is not in the plan.")
            continue
        failures += [
            f"{step_in_words(index)} reported a change of {name}, but its plan names "
            f"{step['target']}."
            for name in _reported_targets(result)
            if name != step["target"]
        ]
    return conclude(
        failures=failures,
        gaps=gaps,
        passed=f"Every step stayed inside the contract: {listed(targets)}.",
        evidence={
            "affected_capabilities": first_items(job.affected or []),
            "targets": first_items(targets),
            "reports": len(job.results),
        },
    )


def check_health(job: SealedJob) -> Conclusion:
    """A-002: conclude whether no scope has worse health after the job than before."""
    before, after = _health_of(job.health_before), _health_of(job.health_after)
    failures, gaps = [], []
    for name, reading in (("before", before), ("after", after)):
        if reading is None:
            gaps.append(f"Health {name} the job is not known.")
    if before is not None and after is not None:
        for scope in sorted({*before, *after}):
            was, now = before.get(scope), after.get(scope)
            if was not in _DECISIONS or now not in _DECISIONS:
                # A scope that is well now cannot have become worse.
                if now != HealthDecision.HEALTHY:
                    unknown = "after" if now not in _DECISIONS else "before"
                    gaps.append(f"The health of {scope} was not observed {unknown} the job.")
            elif is_worse(HealthDecision(now), than=HealthDecision(was)):
                failures.append(f"{scope} was {was} before the job and {now} after it.")
    return conclude(
        failures=failures,
        gaps=gaps,
        passed="No health is worse than before the job.",
        evidence={"before": before, "after": after},
    )


def check_timing(job: SealedJob) -> Conclusion:
    """A-004: conclude whether the job ran inside its activation window, both ends included."""
    approval = job.document.get("approval") or {}
    times = {
        "window_opens_at": approval.get("window_opens_at"),
        "window_closes_at": approval.get("window_closes_at"),
        "started_at": job.document.get("started_at"),
        "ended_at": job.document.get("ended_at"),
    }
    named = {
        "window_opens_at": "the opening of the activation window",
        "window_closes_at": "the end of the activation window",
        "started_at": "the start of the job",
        "ended_at": "the end of the job",
    }
    known = {name: datetime.fromisoformat(text) for name, text in times.items() if text}
    failures = []
    for name, deed in (("started_at", "started"), ("ended_at", "ended")):
        at = known.get(name)
        opens_at, closes_at = known.get("window_opens_at"), known.get("window_closes_at")
        if at and opens_at and at < opens_at:
            failures.append(f"The job {deed} before its activation window opened.")
        if at and closes_at and at > closes_at:
            failures.append(f"The job {deed} after its activation window had closed.")
    missing = [words for name, words in named.items() if name not in known]
    return conclude(
        failures=failures,
        gaps=[f"The evidence does not have {words}." for words in missing],
        passed="The job started and ended inside its activation window.",
        evidence=times,
    )


def check_rollback(job: SealedJob) -> Conclusion:
    """A-005: conclude whether every completed step has a rollback, in its plan or its report."""
    completed = [one for one in job.results if one["status"] == StepStatus.COMPLETED]
    without = [one["step_index"] for one in completed if not _has_rollback(job, one)]
    return conclude(
        failures=[],
        gaps=[f"{step_in_words(index)} completed and has no known rollback." for index in without],
        passed="Every completed step has a rollback." if completed else "No step completed.",
        evidence={"completed_steps": len(completed), "without_rollback": first_items(without)},
    )


def check_signals(job: SealedJob) -> Conclusion:
    """A-006: conclude whether no signal of the job's time speaks against it.

    A signal contradicts a job that completed if it calls a scope worse than at the job's start.
    """
    if job.signals is None:
        return conclude(
            failures=[],
            gaps=["The evidence does not list the signals between start and end."],
            passed="",
            evidence={"signals": None},
        )
    scopes = {SYSTEM_SCOPE, *(job.affected or ()), *(one["target"] for one in job.steps.values())}
    found = [signal for signal in job.signals if signal["scope"] in scopes]
    health = _health_of(job.health_before) or {}
    failures, gaps = [], []
    for signal in found:
        decision, scope = signal["decision"], signal["scope"]
        words = f"{signal['signal_type']} called {scope} {decision} during the job"
        if decision == HealthDecision.BLOCKED:
            failures.append(f"{words}: {shown_value(signal['reason'])}.")
        elif decision == HealthDecision.HEALTHY or not job.has_completed:
            continue
        elif decision not in _DECISIONS or scope not in health:
            gaps.append(f"{words}, and its health before is not known.")
        elif health[scope] == HealthDecision.HEALTHY:
            failures.append(f"{words}, and it was HEALTHY before: {shown_value(signal['reason'])}.")
    count = len(found)
    return conclude(
        failures=failures,
        gaps=gaps,
        passed=(
            f"None of the {count} signals during the job speaks against it."
            if count
            else "No signal was recorded during the job."
        ),
        evidence={"signals": first_items([dict(one) for one in found]), "count": count},
    )


def _reported_targets(result: Document) -> Iterator[str]:
    """Yield the targets that a report names, and that of the rollback in it."""
    output = result["output"]
    if not isinstance(output, Mapping):
        return
    for document in (output, output.get("rollback_action")):
        if isinstance(document, Mapping):
            for field in TARGET_FIELDS:
                if isinstance(document.get(field), str):
                    yield document[field]


def _health_of(snapshot: Document | None) -> dict[str, Any] | None:
    if snapshot is None:
        return None
    return {SYSTEM_SCOPE: snapshot.get("system"), **(snapshot.get("capabilities") or {})}


def _has_rollback(job: SealedJob, result: Document) -> bool:
    planned = job.steps.get(result["step_index"], {}).get("rollback_action")
    output = result["output"]
    reported = output.get("rollback_action") if isinstance(output, Mapping) else None
    return bool(planned or reported)
