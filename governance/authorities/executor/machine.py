"""The machine: runs a plan from its first step to its end. Workers and the API's client drive it.

Before each step it asks health; it calls the handler only if neither the system nor the target is
BLOCKED, and somebody can tell (EXEC-004); a rollback is not held back by health. It reports each
step before the next one (EXEC-002), and stops at the first failure (EXEC-003). No step is begun
twice (EXEC-006).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from governance.authorities.executor.performing import (
    failed_report,
    perform,
    storable_text,
    text_of,
)
from governance.authorities.executor.steps import Step, StepHandler, StepInPlan
from governance.domain.errors import InvalidPlanError
from governance.domain.values import (
    SYSTEM_SCOPE,
    HealthDecision,
    HealthReading,
    JobStatus,
    StepReport,
    StepStatus,
)

# Stands in the evidence of the jobs that our workers ran.
EXECUTOR_VERSION = "1.0.0"
# At most this much of the lease is reserved for the report of a step with a long timeout.
MAX_RESERVE_SECONDS = 5.0

# Returns the handler of a step, or None if no handler serves it.
HandlerLookup = Callable[[StepInPlan], StepHandler | None]
# Reads the health of the system and of a target. An exception means that nobody can tell.
HealthQuestion = Callable[[str], HealthReading]


class LeaseOver(Exception):  # noqa: N818 - an event, and no fault of the machine
    """The lease of the job is over, so the machine begins no further step."""


class Reporter(Protocol):
    """Where the machine reports each step, and what it knows of the job's lease and of time."""

    def now(self) -> datetime:
        """Return the present time by the site's clock."""
        ...

    def seconds_left(self) -> float:
        """Return the seconds until the lease ends."""
        ...

    def record(self, report: StepReport) -> StepReport:
        """Record a report, and return it as it was recorded.

        Raises:
            Exception: it could not be recorded; the machine stops, and raises it to its driver.
        """
        ...


@dataclass(frozen=True, slots=True)
class PlanRun:
    """How the run of a plan ended: COMPLETED, or FAILED with the reason of the failed step.

    `health_before` is what the first question about health was answered, or None. `is_fault` says
    that a handler was at fault.
    """

    status: JobStatus
    reports: tuple[StepReport, ...]
    reason: str = ""
    health_before: HealthReading | None = None
    is_fault: bool = False

    @property
    def was_handler_called(self) -> bool:
        """Whether a handler was called at all; health can keep even the first step from it."""
        return any(report.health_after is not None for report in self.reports)


@dataclass(frozen=True, slots=True)
class _Answer:
    """The answer of health before or after a step: a reading, or why there is none."""

    reading: HealthReading | None
    trouble: str = ""


def require_plan(plan: Sequence[StepInPlan]) -> None:
    """Refuse a plan without steps, or whose steps are not 0..n-1 in order (EXEC-001).

    Raises:
        InvalidPlanError: the plan cannot be run.
    """
    if not plan:
        raise InvalidPlanError("A plan has at least one step; nothing done is not COMPLETED.")
    if [step.step_index for step in plan] != list(range(len(plan))):
        raise InvalidPlanError("step_index must be 0 to n-1, in order (JOB-002).")


def obstacles_to(
    plan: Sequence[StepInPlan], *, handler_for: HandlerLookup, seconds_left: float
) -> list[str]:
    """List in words why a runner should leave a job alone before its first step.

    Args:
        seconds_left: the seconds until the activation window closes. The timeouts of all steps
            must fit into them.
    """
    found = [
        f"No handler serves step {step.step_index + 1}, {step.step_type} on {step.target}."
        for step in plan
        if handler_for(step) is None
    ]
    needed = sum(step.timeout_seconds for step in plan)
    if needed > seconds_left:
        left = max(0, int(seconds_left))
        found.append(f"Its steps may take {needed} s, but its window closes in {left} s.")
    return found


def run_plan(
    plan: Sequence[StepInPlan],
    *,
    job_id: str,
    contract_id: str,
    handler_for: HandlerLookup,
    ask_health: HealthQuestion,
    reporter: Reporter,
    on_report: Callable[[StepInPlan, StepReport], None] = lambda planned, report: None,
    is_rollback: bool = False,
) -> PlanRun:
    """Run the steps of a job in order until one fails, and report each.

    Args:
        is_rollback: whether the plan undoes a failed contract: then health, which is asked and
            recorded all the same, keeps no step from being begun.
        on_report: called after each report, as for a line in a log.

    Raises:
        InvalidPlanError: the plan is empty or out of order; nothing was begun.
        LeaseOver: the lease ended before a step.
        Exception: whatever `reporter.record` raises.
    """
    require_plan(plan)
    reports: list[StepReport] = []
    health_before: HealthReading | None = None
    for planned in plan:
        health = _ask(ask_health, planned.target)
        if not reports:
            health_before = health.reading
        left = reporter.seconds_left()
        if left <= 0:
            raise LeaseOver(f"the lease expired before step {planned.step_index}")
        started_at = reporter.now()
        is_fault = False
        if not is_rollback and (obstacle := _health_obstacle(health, planned.target)):
            report = _not_begun(planned, obstacle, started_at)
        else:
            seconds = min(planned.timeout_seconds, left - min(left / 10, MAX_RESERVE_SECONDS))
            performance = perform(
                handler_for(planned),
                _step(planned, job_id, contract_id, seconds),
                seconds=seconds,
                started_at=started_at,
            )
            is_fault = performance.is_fault
            after = _document(_ask(ask_health, planned.target), planned.target)
            report = replace(performance.report, health_after=after)
        recorded = reporter.record(report)
        reports.append(recorded)
        on_report(planned, recorded)
        if recorded.status is StepStatus.FAILED:
            reason = f"Step {planned.step_index} failed: {recorded.error}"
            return PlanRun(JobStatus.FAILED, tuple(reports), reason, health_before, is_fault)
    return PlanRun(JobStatus.COMPLETED, tuple(reports), health_before=health_before)


def rejected_report(report: StepReport, why: str) -> StepReport:
    """Return the FAILED report of a step whose own report the site refused."""
    return failed_report(report, f"The report of this step was refused: {why}")


def _ask(ask_health: HealthQuestion, target: str) -> _Answer:
    try:
        return _Answer(ask_health(target))
    except Exception as error:  # noqa: BLE001 - whatever it raises, nobody can tell
        return _Answer(None, storable_text(f"{type(error).__name__}: {text_of(error)}"))


def _health_obstacle(answer: _Answer, target: str) -> str:
    """Return why a step is not begun, or "" if health allows it."""
    if answer.reading is None:
        return f"Nobody can tell the platform's health ({answer.trouble}); the step was not begun."
    if answer.reading.system is HealthDecision.BLOCKED:
        return f"Health is BLOCKED for {SYSTEM_SCOPE}; the step was not begun."
    if _decision_on(answer.reading, target) is HealthDecision.BLOCKED:
        return f"Health is BLOCKED for {target}; the step was not begun."
    return ""


def _decision_on(reading: HealthReading, target: str) -> HealthDecision:
    """Return the decision on a target; a capability that a reading does not name is HEALTHY."""
    if target == SYSTEM_SCOPE:
        return reading.system
    return reading.capabilities.get(target, HealthDecision.HEALTHY)


def _document(answer: _Answer, target: str) -> dict[str, Any]:
    """Return what stands in a report about health after the step; an absent reading says why."""
    if answer.reading is None:
        return {"absent": answer.trouble}
    return {
        "system": str(answer.reading.system),
        "target": str(_decision_on(answer.reading, target)),
    }


def _not_begun(planned: StepInPlan, obstacle: str, at: datetime) -> StepReport:
    return StepReport(
        step_index=planned.step_index,
        status=StepStatus.FAILED,
        started_at=at,
        completed_at=at,
        error=obstacle,
    )


def _step(planned: StepInPlan, job_id: str, contract_id: str, seconds: float) -> Step:
    return Step(
        job_id=job_id,
        contract_id=contract_id,
        step_index=planned.step_index,
        step_type=planned.step_type,
        target=planned.target,
        change=planned.change,
        rollback_action=planned.rollback_action,
        timeout_seconds=planned.timeout_seconds,
        deadline=datetime.now(UTC) + timedelta(seconds=seconds),
    )
