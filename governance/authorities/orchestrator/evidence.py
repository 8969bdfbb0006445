"""Evidence: the JSON document from which an auditor judges one job, sealed as the job ends."""

from __future__ import annotations

from typing import Any

from governance.authorities.orchestrator.job_state import JobHistory
from governance.domain.canonical import canonical_text, sha256_hex, timestamp
from governance.domain.values import JobStatus, StepStatus
from governance.models import AuditEvidence, GovernanceJob, StepResult

EVIDENCE_VERSION = "1.1.0"  # 1.1.0 added `signatures` and `signed_by`


class AuditTrigger:
    """The sealing of evidence, which makes a job ready for an audit. It gives no verdict."""

    @staticmethod
    def seal_evidence(history: JobHistory, *, health_after: dict[str, Any] | None) -> AuditEvidence:
        """Return the unsaved evidence of a job whose end is set on the instance but not written.

        One SQL call (`end_job.sql`) writes the job's end, the evidence and the ledger entry.
        """
        document = AuditTrigger.collect_evidence(history, health_after=health_after)
        body = canonical_text(document)
        return AuditEvidence(
            job_id=history.job.pk,
            body=body,
            sha256=sha256_hex(body),
            collected_at=history.now,
        )

    @staticmethod
    def collect_evidence(
        history: JobHistory, *, health_after: dict[str, Any] | None
    ) -> dict[str, Any]:
        """Return the evidence as a JSON object: approval, steps, results, health, participants."""
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


def _duration(job: GovernanceJob) -> float | None:
    if job.started_at is None or job.ended_at is None:
        return None
    return (job.ended_at - job.started_at).total_seconds()
