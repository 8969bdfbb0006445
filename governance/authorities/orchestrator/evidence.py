"""Evidence: the JSON document from which an auditor judges one job, sealed as the job ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from governance.authorities.orchestrator.job_state import JobHistory
from governance.domain.canonical import canonical_text, sha256_hex, timestamp
from governance.domain.observations import ObservationPhase, ObservedScope
from governance.domain.values import HealthReading, JobStatus, StepStatus
from governance.models import AuditEvidence, GovernanceJob, StepResult

# 1.1.0 added `signatures` and `signed_by`; 1.2.0 added `affected_capabilities`, `rolls_back`,
# `executor_version`, `routes`, `observations`, `signals` and `rollout`.
EVIDENCE_VERSION = "1.2.0"


@dataclass(frozen=True, slots=True)
class EndOfJob:
    """What a flow read just before a job ends, outside of the transaction that ends it.

    Args:
        health: None if the health could not be read.
        observed: what the observers saw of the scopes; None if nothing was observed.
        routes: what serves each step, one record each; None if the routes could not be read.
        executor_version: the version of the machine that ran the job; None for another executor.
    """

    health: HealthReading | None = None
    observed: Sequence[ObservedScope] | None = None
    routes: Sequence[Mapping[str, Any]] | None = None
    executor_version: str | None = None

    @property
    def observations(self) -> list[dict[str, Any]] | None:
        return None if self.observed is None else [one.as_record() for one in self.observed]


class AuditTrigger:
    """The sealing of evidence, which makes a job ready for an audit. It gives no verdict."""

    @staticmethod
    def seal_evidence(
        history: JobHistory, end: EndOfJob, *, health_after: dict[str, Any] | None
    ) -> AuditEvidence:
        """Return the unsaved evidence of a job whose end is set on the instance but not written.

        One SQL call (`end_job.sql`) writes the job's end, the evidence and the ledger entry.
        """
        document = AuditTrigger.collect_evidence(history, end, health_after=health_after)
        body = canonical_text(document)
        return AuditEvidence(
            job_id=history.job.pk,
            body=body,
            sha256=sha256_hex(body),
            collected_at=history.now,
        )

    @staticmethod
    def collect_evidence(
        history: JobHistory, end: EndOfJob, *, health_after: dict[str, Any] | None
    ) -> dict[str, Any]:
        """Return the evidence as a JSON object: approval, steps, results, health, observations.

        Args:
            health_after: the reading in `end`, as the snapshot has it.
        """
        job, contract = history.job, history.job.contract
        results = {result.step_index: result for result in history.results}
        return {
            "evidence_version": EVIDENCE_VERSION,
            "job_id": str(job.pk),
            "contract_id": str(contract.pk),
            "job_status": str(job.status),
            "end_reason": job.end_reason,
            "steps": [
                step | {"status": str(step_status(job, step["step_index"], results))}
                for step in history.steps
            ],
            "step_results": [result.as_record() for result in results.values()],
            "health_before": history.health_before,
            "health_after": health_after,
            "execution_duration_seconds": _duration(job),
            "started_at": timestamp(job.started_at),
            "ended_at": timestamp(job.ended_at),
            "collected_at": timestamp(history.now),
            "contract_content_sha256": contract.content_digest,
            "affected_capabilities": contract.affected_capabilities,
            "rolls_back": str(contract.rolls_back_id) if contract.is_rollback else None,
            "executor_version": end.executor_version,
            "routes": None if end.routes is None else [dict(one) for one in end.routes],
            "observations": {
                "before": _observed(history, ObservationPhase.BEFORE) or None,
                "steps": _observed(history, ObservationPhase.STEP),
                "after": end.observations,
            },
            "signals": history.signals,
            "rollout": None,
            "approval": contract.approval_record(),
            "signatures": [signature.as_sealed() for signature in history.signatures],
            "participants": {
                "proposed_by": contract.proposed_by_id,
                "approved_by": contract.approved_by_id,
                "signed_by": sorted({signature.founder_id for signature in history.signatures}),
                "activated_by": job.created_by_id,
                "started_by": job.started_by_id,
                "reported_by": sorted({result.recorded_by_id for result in results.values()}),
                "ended_by": job.ended_by_id,
            },
            "ledger_head": {"seq": history.head.seq, "hash": history.head.hash.hex()},
        }


def step_status(job: GovernanceJob, step_index: int, results: dict[int, StepResult]) -> StepStatus:
    """Return the status of a step, derived from its result and the status of the job.

    The row of a step is never updated, so it has no status of its own. The step that was due when
    the job ran out of time counts as FAILED, because its outcome is unknown.

    Args:
        results: the job's results by step index, at least those of the step and the one before it.
    """
    if step_index in results:
        return StepStatus(results[step_index].status)
    due = step_index == job.current_step_index
    match job.status:
        case JobStatus.PENDING:
            return StepStatus.PENDING
        case JobStatus.RUNNING:
            last = results.get(step_index - 1)
            failed_before = last is not None and last.status == StepStatus.FAILED
            return StepStatus.RUNNING if due and not failed_before else StepStatus.PENDING
        case JobStatus.FAILED if due:
            last = results.get(step_index - 1)
            failed_before = last is not None and last.status == StepStatus.FAILED
            return StepStatus.SKIPPED if failed_before else StepStatus.FAILED
    return StepStatus.SKIPPED


def _observed(history: JobHistory, phase: ObservationPhase) -> list[dict[str, Any]]:
    return [one.as_record() for one in history.observations if one.phase == phase]


def _duration(job: GovernanceJob) -> float | None:
    if job.started_at is None or job.ended_at is None:
        return None
    return (job.ended_at - job.started_at).total_seconds()
