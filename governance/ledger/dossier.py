"""Everything on record about one contract, and the digest of each of its rows as it stands now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef

from governance.models import (
    ApprovalSignature,
    AuditEvidence,
    AuditResolution,
    ClarificationAnswer,
    ClarificationRequest,
    GovernanceAudit,
    GovernanceJob,
    HealthSnapshot,
    JobStep,
    LedgerEntry,
    StepResult,
    SystemContract,
)
from governance.vocabulary.canonical import digest, sha256_hex, timestamp
from governance.vocabulary.values import ContractStatus, SnapshotPhase

# What stands where a digest would, for what no entry could have vouched for.
UNREADABLE = "unreadable"
ALTERED = "altered"
TWICE = "twice"

# What the contract repeats of its verdicts, for queries to find it by: the column and the key.
REPEATED = {
    "validator_verdict_sha256": ("confidence_score", "confidence_score"),
    "eligibility_verdict_sha256": ("eligibility_decision", "decision"),
}


@dataclass
class Dossier:
    """One contract with its chain, its job and all that hangs on it.

    `rows` counts the rows that there are for each record and place: a result's step, the number
    of a question, of its answer and of a signature, None for what there is but one of.
    `parent_stands` says whether the contract that this one replaces is there, and REJECTED.
    """

    contract: SystemContract
    entries: list[LedgerEntry] = field(default_factory=list)
    job: GovernanceJob | None = None
    steps: list[JobStep] = field(default_factory=list)
    results: dict[int, StepResult] = field(default_factory=dict)
    snapshots: dict[str, HealthSnapshot] = field(default_factory=dict)
    evidence: AuditEvidence | None = None
    audit: GovernanceAudit | None = None
    resolution: AuditResolution | None = None
    questions: dict[int, ClarificationRequest] = field(default_factory=dict)
    answers: dict[int, ClarificationAnswer] = field(default_factory=dict)
    signatures: dict[int, ApprovalSignature] = field(default_factory=dict)
    successor_id: UUID | None = None
    parent_stands: bool = True
    rows: Counter[tuple[str, int | None]] = field(default_factory=Counter)

    def digest_of(self, record: str, *, place: int | None) -> str | None:
        """The digest of the row that `record` names; None where there is no such row.

        A row that cannot be read any more, stands there twice, or does not agree with itself has
        no digest that an entry could vouch for. Raises KeyError for a record that no event knows.
        """
        if self.rows[record, place] > 1:
            return TWICE
        try:
            return self._digest_of(record, place)
        except (ValueError, TypeError, AttributeError, RecursionError):
            return UNREADABLE

    def _digest_of(self, record: str, place: int | None) -> str | None:
        contract = self.contract
        if record == "content_sha256":
            kept = contract.content_digest
            return kept and _agreed(kept, digest(contract.content_record()))
        if record == "evidence_sha256":
            return _evidence_digest(self.evidence) if self.evidence else None
        if record == "signature_sha256":
            signature = self.signatures.get(_numbered(place))
            return _signature_digest(signature, contract) if signature else None
        if record == "successor_id":
            return str(self.successor_id) if self.successor_id else None
        row = self._record(record, place)
        if row is None:
            return None
        if record in REPEATED:
            column, key = REPEATED[record]
            if getattr(contract, column) != row.get(key):
                return ALTERED
        return digest(row)

    def _record(self, record: str, place: int | None) -> dict[str, Any] | None:
        contract, job = self.contract, self.job
        match record:
            case "proposal_sha256":
                return contract.proposal_record()
            case "draft_sha256":
                return contract.draft_record()
            case "validator_verdict_sha256":
                return contract.validator_verdict or {}
            case "eligibility_verdict_sha256":
                return contract.eligibility_verdict or {}
            case "approval_sha256":
                return contract.approval_record()
            case "closing_sha256":
                return contract.closing_record()
            case "job_sha256":
                return job.birth_record([s.as_record() for s in self.steps]) if job else None
            case "start_sha256":
                return job.start_record() if job else None
            case "job_end_sha256":
                return job.end_record() if job else None
            case "step_result_sha256":
                return _as_record(self.results.get(_numbered(place)))
            case "clarification_sha256":
                return _as_record(self.questions.get(_numbered(place)))
            case "clarification_answer_sha256":
                return _as_record(self.answers.get(_numbered(place)))
            case "health_before_sha256":
                return _as_record(self.snapshots.get(SnapshotPhase.BEFORE))
            case "health_after_sha256":
                return _as_record(self.snapshots.get(SnapshotPhase.AFTER))
            case "audit_sha256":
                return _as_record(self.audit)
            case "resolution_sha256":
                return _as_record(self.resolution)
        raise KeyError(record)


class _Recorded(Protocol):
    def as_record(self) -> dict[str, Any]: ...


def _numbered(place: int | None) -> int:
    """A place by which rows are kept; none is kept where there is no number."""
    return -1 if place is None else place


def _as_record(
    row: _Recorded | None,
) -> dict[str, Any] | None:
    return row.as_record() if row else None


def load_dossiers(contract_ids: Sequence[UUID]) -> Iterator[Dossier]:
    """The dossiers of these contracts, in order of id; twelve queries, however many."""
    dossiers = {dossier.contract.pk: dossier for dossier in _with_succession(contract_ids)}
    for entry in LedgerEntry.objects.filter(contract_id__in=dossiers).order_by("seq", "pk"):
        dossiers[entry.contract_id].entries.append(entry)
    asked: dict[int, ClarificationRequest] = {}
    for question in ClarificationRequest.objects.filter(contract_id__in=dossiers):
        asked[question.pk] = question
        dossier = dossiers[question.contract_id]
        dossier.questions[question.number] = question
        dossier.rows["clarification_sha256", question.number] += 1
    for answer in ClarificationAnswer.objects.filter(request_id__in=asked):
        question = asked[answer.request_id]
        dossier = dossiers[question.contract_id]
        dossier.answers[question.number] = answer
        dossier.rows["clarification_answer_sha256", question.number] += 1
    for signature in ApprovalSignature.objects.filter(contract_id__in=dossiers):
        dossier = dossiers[signature.contract_id]
        dossier.signatures[signature.number] = signature
        dossier.rows["signature_sha256", signature.number] += 1
    of_job: dict[UUID, Dossier] = {}
    for job in GovernanceJob.objects.filter(contract_id__in=dossiers):
        dossier = of_job[job.pk] = dossiers[job.contract_id]
        dossier.job = job
        dossier.rows["job_sha256", None] += 1
    for step in JobStep.objects.filter(job_id__in=of_job).order_by("step_index"):
        of_job[step.job_id].steps.append(step)
    for result in StepResult.objects.filter(job_id__in=of_job):
        dossier = of_job[result.job_id]
        dossier.results[result.step_index] = result
        dossier.rows["step_result_sha256", result.step_index] += 1
    for snapshot in HealthSnapshot.objects.filter(job_id__in=of_job):
        dossier = of_job[snapshot.job_id]
        dossier.snapshots[snapshot.phase] = snapshot
        dossier.rows[f"health_{snapshot.phase.lower()}_sha256", None] += 1
    for evidence in AuditEvidence.objects.filter(job_id__in=of_job):
        dossier = of_job[evidence.job_id]
        dossier.evidence = evidence
        dossier.rows["evidence_sha256", None] += 1
    of_audit: dict[int, Dossier] = {}
    for audit in GovernanceAudit.objects.filter(job_id__in=of_job):
        dossier = of_audit[audit.pk] = of_job[audit.job_id]
        dossier.audit = audit
        dossier.rows["audit_sha256", None] += 1
    for resolution in AuditResolution.objects.filter(audit_id__in=of_audit):
        dossier = of_audit[resolution.audit_id]
        dossier.resolution = resolution
        dossier.rows["resolution_sha256", None] += 1
    yield from dossiers.values()


def _with_succession(contract_ids: Sequence[UUID]) -> Iterator[Dossier]:
    """Each with what took its place, and whether what it took the place of still stands there."""
    heirs = SystemContract.objects.filter(parent_id=OuterRef("pk")).order_by("pk").values("pk")
    replaced = SystemContract.objects.filter(
        pk=OuterRef("parent_id"), status=ContractStatus.REJECTED
    )
    contracts = SystemContract.objects.filter(pk__in=contract_ids).order_by("pk")
    for contract in contracts.annotate(heirs=ArraySubquery(heirs), replaced=Exists(replaced)):
        dossier = Dossier(contract)
        for successor_id in contract.heirs:
            dossier.successor_id = successor_id
            dossier.rows["successor_id", None] += 1
        dossier.parent_stands = contract.parent_id is None or contract.replaced
        yield dossier


def _agreed(kept: str, computed: str) -> str:
    """The digest, when the column that keeps it agrees with what it is computed from."""
    return computed if kept == computed else ALTERED


def _signature_digest(signature: ApprovalSignature, contract: SystemContract) -> str:
    """The digest of a signature that is under this contract's content and the view beside it."""
    signed = (sha256_hex(signature.view), contract.content_digest)
    agrees = signed == (signature.view_digest, signature.content_digest)
    return digest(signature.as_record()) if agrees else ALTERED


def _evidence_digest(evidence: AuditEvidence) -> str:
    document = evidence.document
    columns_agree = document.get("job_id") == str(evidence.job_id) and document.get(
        "collected_at"
    ) == timestamp(evidence.collected_at)
    return _agreed(evidence.sha256, sha256_hex(evidence.body)) if columns_agree else ALTERED
