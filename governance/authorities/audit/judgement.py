"""The judgement of a job: seven checks of its sealed evidence, and the verdict from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from governance.authorities.audit.checks import (
    check_health,
    check_rollback,
    check_scope,
    check_signals,
    check_timing,
)
from governance.authorities.audit.findings import CheckFinding, Conclusion, listed
from governance.authorities.audit.sealed_job import LaterReading, SealedJob
from governance.authorities.audit.state_checks import check_fidelity, check_mutations
from governance.domain.texts import MAX_TEXT_LENGTH, cut_text
from governance.domain.values import AuditVerdict

# Raised whenever the same evidence may get another verdict.
AUDITOR_VERSION = "1.0.0"

Check = Callable[[SealedJob], Conclusion]

CHECKS: Sequence[tuple[str, str, str, Check]] = (
    ("A-001", "scope", "Did every step stay inside the contract?", check_scope),
    ("A-002", "health", "Is no health worse than before?", check_health),
    ("A-003", "fidelity", "Was exactly the plan carried out?", check_fidelity),
    ("A-004", "timing", "Did the job run inside its activation window?", check_timing),
    ("A-005", "rollback", "Can every completed step be undone?", check_rollback),
    ("A-006", "signals", "Did no signal speak against the job?", check_signals),
    ("A-007", "mutations", "Did nothing else in scope change?", check_mutations),
)

# What follows from a verdict.
CONSEQUENCES: Mapping[AuditVerdict, str] = {
    AuditVerdict.PASS: "rollout",
    AuditVerdict.FAIL: "rollback",
    AuditVerdict.INCONCLUSIVE: "escalate",
}


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on a job with its reason, and the findings of the checks."""

    verdict: AuditVerdict
    reason: str
    checks: tuple[CheckFinding, ...]

    def count(self, outcome: AuditVerdict) -> int:
        """Return how many checks have an outcome."""
        return sum(check.outcome is outcome for check in self.checks)

    def checks_as_documents(self) -> list[dict[str, Any]]:
        return [check.as_document() for check in self.checks]

    def as_record(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return the judgement with a summary of the evidence that it is on."""
        return audit_summary(
            document,
            verdict=self.verdict,
            reason=self.reason,
            checks=self.checks_as_documents(),
            auditor_version=AUDITOR_VERSION,
        )


def judge_evidence(document: Mapping[str, Any], later: LaterReading | None = None) -> Judgement:
    """Judge a job from its sealed evidence alone.

    Args:
        later: what was read after the evidence was sealed, for what it does not have.
    """
    job = SealedJob(document, later)
    findings = []
    for check_id, name, question, check in CHECKS:
        result = check(job)
        findings.append(
            CheckFinding(check_id, name, question, result.outcome, result.reason, result.evidence)
        )
    verdict = verdict_of(finding.outcome for finding in findings)
    if not job.has_completed:
        verdict = AuditVerdict.FAIL
    return Judgement(verdict, _reason(job, verdict, findings), tuple(findings))


def verdict_of(outcomes: Iterable[AuditVerdict]) -> AuditVerdict:
    """Return FAIL if a check failed, PASS if there are checks and all passed, else INCONCLUSIVE."""
    found = set(outcomes)
    if AuditVerdict.FAIL in found:
        return AuditVerdict.FAIL
    return AuditVerdict.PASS if found == {AuditVerdict.PASS} else AuditVerdict.INCONCLUSIVE


def audit_summary(
    document: Mapping[str, Any],
    *,
    verdict: AuditVerdict,
    reason: str,
    checks: Sequence[Mapping[str, Any]],
    auditor_version: str,
) -> dict[str, Any]:
    """Return a verdict as one record: its checks counted, and the evidence summed up."""
    outcomes = [check.get("outcome") for check in checks]
    return {
        "job_id": document["job_id"],
        "contract_id": document["contract_id"],
        "verdict": str(verdict),
        "verdict_reason": reason,
        "checks_performed": len(checks),
        "checks_passed": outcomes.count(AuditVerdict.PASS),
        "checks_failed": outcomes.count(AuditVerdict.FAIL),
        "checks_inconclusive": outcomes.count(AuditVerdict.INCONCLUSIVE),
        "evidence": {
            "contract_id": document["contract_id"],
            "job_id": document["job_id"],
            "job_status": document["job_status"],
            "execution_duration_seconds": document.get("execution_duration_seconds"),
            "steps_executed": len(document["step_results"]),
        },
        "health_snapshot_before": document.get("health_before"),
        "health_snapshot_after": document.get("health_after"),
        "auditor_version": auditor_version,
    }


def _reason(job: SealedJob, verdict: AuditVerdict, findings: Sequence[CheckFinding]) -> str:
    """Return the reason of a verdict: what decided it, and what it relies on."""
    sentences = []
    if not job.has_completed:
        sentences.append(
            f"The job ended {job.document['job_status']}: {job.document.get('end_reason') or '-'}"
        )
    sentences += [
        f"{finding.check_id} ({finding.name}): {finding.reason}"
        for finding in findings
        if finding.outcome is verdict and verdict is not AuditVerdict.PASS
    ]
    if verdict is AuditVerdict.PASS:
        sentences.append("All seven checks passed.")
    if trusted := job.scopes_of_trusted_reports:
        sentences.append(
            f"The executor's own reports were trusted for {listed(trusted)}, which nobody observed."
        )
    if job.has_shared_database:
        sentences.append("Executor and observer share one database.")
    return cut_text(" ".join(sentences), MAX_TEXT_LENGTH)
