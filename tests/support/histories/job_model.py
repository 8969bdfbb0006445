"""The model of jobs and verdicts, in plain Python."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from tests.support.histories.model import (
    AUDITORS,
    Contract,
    Job,
    ModelEntry,
    ModelWorld,
    Refused,
    refuse_if,
)

STEP_TIME = timedelta(seconds=300)
GRACE = timedelta(seconds=60)
INDEPENDENT_ENDS = {"PASS": ("passed", "COMPLETED"), "FAIL": ("failed", "FAILED")}

MOVES: Mapping[str, set[str]] = {
    "PENDING": {"RUNNING", "CANCELLED"},
    "RUNNING": {"COMPLETED", "FAILED", "CANCELLED"},
    "COMPLETED": set(),
    "FAILED": set(),
    "CANCELLED": set(),
}


class JobWorld(ModelWorld):
    """The model with the operations of executors and auditors."""

    # --- running ---
    def oldest_pending(self) -> Contract | None:
        """Return the contract whose job a claim starts: the oldest on a capability of its own."""
        waiting = [
            contract
            for contract in self.contracts
            if contract.job
            and contract.job.status == "PENDING"
            and contract.scope not in self.running_scopes()
        ]
        return min(waiting, key=lambda c: c.job.created_at if c.job else self.at, default=None)

    def running_scopes(self) -> set[str]:
        return {c.scope for c in self.contracts if c.job and c.job.status == "RUNNING"}

    def start(self, it: Contract | None, who: str) -> None:
        it, job = _with_job(it)
        _require_move(job, "RUNNING")
        refuse_if(it.scope in self.running_scopes(), "scope_busy")
        job.started_at = self.at
        job.deadline = self.at + job.timeout
        job.participants.add(who)
        job.started_by = who
        self._append_entry(it, job, "job.execution.started", who, "RUNNING")
        self._renew(job)

    def report(
        self,
        it: Contract | None,
        who: str,
        index: int,
        report: tuple[str, str],
        *,
        token: str,
        error: str,
    ) -> bool:
        """Report a step; return False if this report was stored before."""
        refuse_if(report[0] == "FAILED" and not error, "invalid_input")
        it, job = _with_job(it)
        refuse_if(job.started_by not in ("", who), "job_not_found")
        _require_running(job)
        refuse_if(token != job.token, "stale_execution")
        stored = job.results[index] if index < len(job.results) else None
        if stored == report:
            return False
        refuse_if(self._has_lapsed(job), "lease_expired")
        refuse_if(stored, "result_conflict")
        refuse_if(job.has_failed_step or index != len(job.results), "step_out_of_order")
        refuse_if(len(job.results) == job.steps, "step_out_of_order")
        job.results.append(report)
        if report[0] == "COMPLETED":
            self.done.add((it.scope, index))
        job.participants.add(who)
        self._renew(job)
        event = f"job.step.{report[0].lower()}"
        it.ledger.append(ModelEntry(event, who, self.at, reason=error, step_index=index))
        return True

    def complete(self, it: Contract | None, who: str, token: str) -> None:
        it, job = _with_job(it)
        refuse_if(job.started_by not in ("", who), "job_not_found")
        _require_running(job)
        refuse_if(token != job.token, "stale_execution")
        refuse_if(self._has_lapsed(job), "lease_expired")
        if job.has_failed_step:
            self._end(it, job, "FAILED", who, f"Step {len(job.results) - 1} failed.")
        elif len(job.results) == job.steps:
            self._end(it, job, "COMPLETED", who, "Every step completed.")
        else:
            raise Refused("steps_outstanding")

    def cancel(self, it: Contract | None, who: str, reason: str) -> None:
        it, job = _with_job(it)
        refuse_if(not reason, "reason_required")
        _require_move(job, "CANCELLED")
        self._end(it, job, "CANCELLED", who, reason)

    def lose(self, it: Contract | None, who: str) -> None:
        it, job = _with_job(it)
        _require_running(job)
        refuse_if(not self._has_lapsed(job), "not_timed_out")
        self._end(it, job, "FAILED", who, _how_lost(job))

    def _renew(self, job: Job) -> None:
        assert job.deadline
        is_due = len(job.results) < job.steps and not job.has_failed_step
        job.lease = min(self.at + GRACE + (STEP_TIME if is_due else timedelta()), job.deadline)

    def _has_lapsed(self, job: Job) -> bool:
        return job.lease is not None and self.at > job.lease

    def _end(self, it: Contract, job: Job, status: str, who: str, reason: str) -> None:
        self._append_entry(it, job, f"job.execution.{status.lower()}", who, status, reason)
        job.participants.add(who)
        job.snapshots.append("AFTER")
        job.sealed, job.lease = True, None

    def _append_entry(
        self, it: Contract, job: Job, event: str, who: str, after: str, reason: str = ""
    ) -> None:
        it.ledger.append(ModelEntry(event, who, self.at, job.status, after, reason))
        job.status = after

    # --- verdicts ---
    def judge(
        self, it: Contract | None, who: str, verdict: str, reason: str, *, right_evidence: bool
    ) -> None:
        refuse_if(who not in AUDITORS, "not_permitted")
        it, job = _with_job(it)
        refuse_if(not job.sealed, "evidence_not_sealed")
        refuse_if(not right_evidence, "evidence_mismatch")
        refuse_if(who in _participants(it, job), "auditor_not_independent")
        refuse_if(job.audit, "verdict_exists")
        refuse_if(job.status != "COMPLETED" and verdict != "FAIL", "verdict_conflict")
        job.audit = verdict
        if verdict == "INCONCLUSIVE":
            it.verdict = verdict
            it.append_entry("contract.audit.inconclusive", who, self.at, reason=reason)
        else:
            self._close(it, who, verdict, reason)

    def resolve(self, it: Contract | None, who: str, verdict: str, reason: str) -> None:
        refuse_if(who not in AUDITORS, "not_permitted")
        it, job = _with_job(it)
        refuse_if(verdict == "INCONCLUSIVE" or len(reason) <= 10, "invalid_verdict")
        refuse_if(not job.audit, "audit_not_found")
        refuse_if(job.audit != "INCONCLUSIVE" or job.resolution, "verdict_final")
        refuse_if(who in _participants(it, job), "auditor_not_independent")
        job.resolution = verdict
        self._close(it, who, verdict, reason)

    def _close(self, it: Contract, who: str, verdict: str, reason: str) -> None:
        word, after = INDEPENDENT_ENDS[verdict]
        it.verdict = verdict
        it.append_entry(f"contract.audit.{word}", who, self.at, after, reason)


def _participants(it: Contract, job: Job) -> set[str]:
    return job.participants | {it.proposer, it.approver}


def _with_job(it: Contract | None) -> tuple[Contract, Job]:
    if it is None or it.job is None:
        raise Refused("job_not_found")
    return it, it.job


def _require_move(job: Job, target: str) -> None:
    if target not in MOVES[job.status]:
        raise Refused("invalid_job_transition" if MOVES[job.status] else "job_immutable")


def _require_running(job: Job) -> None:
    if job.status != "RUNNING":
        raise Refused("invalid_job_transition" if MOVES[job.status] else "job_immutable")


def _how_lost(job: Job) -> str:
    assert job.lease
    if job.lease == job.deadline:
        lapsed = f"Timed out after {job.timeout // timedelta(minutes=1)} minutes"
    else:
        lapsed = f"The lease lapsed at {_formatted(job.lease)}"
    if job.has_failed_step:
        return f"{lapsed}: step {len(job.results) - 1} failed and nobody ended the job."
    if len(job.results) == job.steps:
        return f"{lapsed}: every step was reported and nobody ended the job."
    return f"{lapsed}: executor lost at step {len(job.results)}, outcome unknown."


def _formatted(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S.%f}Z"
