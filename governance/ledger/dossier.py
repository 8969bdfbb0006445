"""Everything on record about one contract, and the digest of each of its rows as it stands now."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS

from governance.ledger.rows import read_columns, read_rows
from governance.models import (
    ApprovalSignature,
    AuditEvidence,
    AuditResolution,
    ClarificationAnswer,
    ClarificationRequest,
    ContractTombstone,
    GovernanceAudit,
    GovernanceJob,
    HealthSnapshot,
    JobStep,
    LedgerEntry,
    StepResult,
    SystemContract,
)
from governance.vocabulary.canonical import digest, load_json, sha256_hex, timestamp
from governance.vocabulary.values import ContractStatus

# What stands where a digest would, for what no entry could have vouched for, whatever it says.
NO_DIGEST = "no digest"

# Which of several rows of its kind: a result's step, the number of a question, of its answer and
# of a signature; None for what there is but one of.
Place = int | None

# What makes a digest of a record: `digest`, or something faster that says less.
Take = Callable[[Any], str]
Digest = Callable[["Dossier", Any, Take], str | None]


@dataclass(slots=True)
class Dossier:
    """One contract with its chain, its job and all that hangs on it; rows as `read_rows` has them.

    `rows` holds the row for each record and place, `twice` those of which there are several.
    `successor_id` is what took the contract's place. `parent_stands` says whether the contract
    that this one replaces is there, and REJECTED.
    """

    contract: SystemContract
    entries: list[LedgerEntry] = field(default_factory=list)
    job: GovernanceJob | None = None
    steps: list[JobStep] = field(default_factory=list)
    questions: dict[int, ClarificationRequest] = field(default_factory=dict)
    answers: dict[int, ClarificationAnswer] = field(default_factory=dict)
    rows: dict[tuple[str, Place], Any] = field(default_factory=dict)
    twice: set[tuple[str, Place]] = field(default_factory=set)
    successor_id: str | None = None
    parent_stands: bool = True

    def add(self, record: str, place: Place, row: Any) -> None:
        """Take in a row that an entry must vouch for as `record`."""
        if (record, place) in self.rows:
            self.twice.add((record, place))
        self.rows[record, place] = row

    def digest_of(self, record: str, *, place: Place, expected: str | None = None) -> str | None:
        """The digest of the row that `record` names; None where there is no such row.

        `NO_DIGEST` of a row that cannot be read any more, stands there twice, or does not agree
        with itself. Faster where the digest is `expected`. Raises KeyError for a record that no
        event knows.
        """
        known = DIGESTS[record]
        if (record, place) in self.twice:
            return NO_DIGEST
        try:
            return known(self, self.rows.get((record, place)), partial(digest, expected=expected))
        except (ValueError, TypeError, AttributeError, RecursionError):
            return NO_DIGEST


class Reader(Protocol):
    """Where rows come from: those of `model` whose `column` is one of `keys`, in this order."""

    def __call__(
        self, model: Any, column: str, keys: Collection[Any], kind: str = ..., order: str = ...
    ) -> list[Any]: ...


def load_dossiers(
    contract_ids: Sequence[UUID], *, using: str = DEFAULT_DB_ALIAS
) -> Iterator[Dossier]:
    """The dossiers of these contracts, in order of id; fourteen queries, however many."""
    read = partial(_rows_of, using=using)
    yield from assembled(_with_succession(contract_ids, using), read)


def assembled(begun: Iterable[Dossier], read: Reader) -> Iterator[Dossier]:
    """The dossiers, each of which has its contract already, with all that `read` finds for them."""
    dossiers = {str(dossier.contract.pk): dossier for dossier in begun}
    for entry in read(LedgerEntry, "contract_id", dossiers, order="contract_id, seq, id"):
        dossiers[entry.contract_id].entries.append(entry)
    asked = {}
    for question in read(ClarificationRequest, "contract_id", dossiers):
        asked[question.id] = question
        dossier = dossiers[question.contract_id]
        dossier.questions[question.number] = question
        dossier.add("clarification_sha256", question.number, question)
    for answer in read(ClarificationAnswer, "request_id", asked, kind="bigint"):
        question = asked[answer.request_id]
        dossier = dossiers[question.contract_id]
        dossier.answers[question.number] = answer
        dossier.add("clarification_answer_sha256", question.number, answer)
    for signature in read(ApprovalSignature, "contract_id", dossiers):
        dossiers[signature.contract_id].add("signature_sha256", signature.number, signature)
    of_job = {}
    for job in read(GovernanceJob, "contract_id", dossiers):
        dossier = of_job[job.id] = dossiers[job.contract_id]
        dossier.job = job
        dossier.add("job_sha256", None, job)
    for step in read(JobStep, "job_id", of_job, order="job_id, step_index, id"):
        of_job[step.job_id].steps.append(step)
    for result in read(StepResult, "job_id", of_job):
        of_job[result.job_id].add("step_result_sha256", result.step_index, result)
    for snapshot in read(HealthSnapshot, "job_id", of_job):
        of_job[snapshot.job_id].add(f"health_{snapshot.phase.lower()}_sha256", None, snapshot)
    for evidence in read(AuditEvidence, "job_id", of_job):
        of_job[evidence.job_id].add("evidence_sha256", None, evidence)
    of_audit = {}
    for audit in read(GovernanceAudit, "job_id", of_job):
        dossier = of_audit[audit.id] = of_job[audit.job_id]
        dossier.add("audit_sha256", None, audit)
    for resolution in read(AuditResolution, "audit_id", of_audit, kind="bigint"):
        of_audit[resolution.audit_id].add("resolution_sha256", None, resolution)
    yield from dossiers.values()


def _rows_of(
    model: Any,
    column: str,
    keys: Collection[Any],
    kind: str = "uuid",
    order: str = "id",
    *,
    using: str,
) -> list[Any]:
    """What PostgreSQL has; nothing is asked where there is no key."""
    if not keys:
        return []
    condition = f"{column} = ANY (%s::{kind}[])"
    return read_rows(model, condition, [_array(keys)], order=order, using=using)


def _array(keys: Iterable[Any]) -> str:
    """Ids as PostgreSQL writes an array of them."""
    return f"{{{','.join(map(str, keys))}}}"


def _with_succession(contract_ids: Sequence[UUID], using: str) -> Iterator[Dossier]:
    """Each with what took its place, and whether what it took the place of still stands there.

    What was archived and removed is known by its tombstone.
    """
    asked = [_array(contract_ids)]
    contracts = read_rows(SystemContract, "id = ANY (%s::uuid[])", asked, using=using)
    dossiers = {str(contract.pk): Dossier(contract) for contract in contracts}
    ids = _array(dossiers)
    heirs = read_columns(_HEIRS, [ids, ids], using=using)
    for heir_id, parent_id in zip(*heirs, strict=True):
        dossier = dossiers[parent_id]
        dossier.successor_id = heir_id
        dossier.add("successor_id", None, heir_id)
    parents = _array(contract.parent_id for contract in contracts if contract.parent_id)
    replaced = [parents, ContractStatus.REJECTED] * 2
    standing: set[str] = set(*read_columns(_STANDING, replaced, using=using))
    for dossier in dossiers.values():
        parent_id = dossier.contract.parent_id
        dossier.parent_stands = parent_id is None or parent_id in standing
        yield dossier


_LIVING, _REMOVED = SystemContract._meta.db_table, ContractTombstone._meta.db_table
_HEIRS = f"""
SELECT id, parent_id FROM {_LIVING} WHERE parent_id = ANY (%s::uuid[])
UNION ALL
SELECT contract_id, parent_id FROM {_REMOVED} WHERE parent_id = ANY (%s::uuid[])
ORDER BY 1
"""  # noqa: S608 - ours
_STANDING = f"""
SELECT id FROM {_LIVING} WHERE id = ANY (%s::uuid[]) AND status = %s
UNION ALL
SELECT contract_id FROM {_REMOVED} WHERE contract_id = ANY (%s::uuid[]) AND status = %s
"""  # noqa: S608 - ours


# --- the digest of each record, as it stands; ValueError and the like where it has none ---
def _of_record(dossier: Dossier, row: Any, take: Take) -> str | None:
    return take(row.as_record()) if row else None


def _of_proposal(dossier: Dossier, row: Any, take: Take) -> str:
    return take(dossier.contract.proposal_record())


def _of_draft(dossier: Dossier, row: Any, take: Take) -> str:
    return take(dossier.contract.draft_record())


def _of_validator_verdict(dossier: Dossier, row: Any, take: Take) -> str:
    verdict: Any = dossier.contract.validator_verdict or {}
    # What the contract repeats of its verdicts, for queries to find it by, must agree with them.
    if dossier.contract.confidence_score != verdict.get("confidence_score"):
        raise _AlteredError
    return take(verdict)


def _of_eligibility_verdict(dossier: Dossier, row: Any, take: Take) -> str:
    verdict: Any = dossier.contract.eligibility_verdict or {}
    if dossier.contract.eligibility_decision != verdict.get("decision"):
        raise _AlteredError
    return take(verdict)


def _of_content(dossier: Dossier, row: Any, take: Take) -> str | None:
    contract = dossier.contract
    if not math.isfinite(contract.confidence_score or 0):
        take = digest  # `spelling` writes null for a confidence that was rewritten to NaN
    kept = contract.content_digest
    return kept and _agreed(kept, take(contract.content_record()))


def _of_approval(dossier: Dossier, row: Any, take: Take) -> str:
    return take(dossier.contract.approval_record())


def _of_closing(dossier: Dossier, row: Any, take: Take) -> str:
    return take(dossier.contract.closing_record())


def _of_job(dossier: Dossier, job: Any, take: Take) -> str:
    # Where there is no job this is `NO_DIGEST`, and the snapshot's absence was found before.
    return take(job.birth_record([s.as_record() for s in dossier.steps]))


def _of_start(dossier: Dossier, row: Any, take: Take) -> str | None:
    return take(dossier.job.start_record()) if dossier.job else None


def _of_job_end(dossier: Dossier, row: Any, take: Take) -> str | None:
    return take(dossier.job.end_record()) if dossier.job else None


def _of_successor(dossier: Dossier, row: Any, take: Take) -> str | None:
    """An id, and no digest: the chain names it to whoever reads it."""
    return dossier.successor_id


def _of_signature(dossier: Dossier, signature: Any, take: Take) -> str | None:
    """The digest of a signature that is under this contract's content and the view beside it."""
    if signature is None:
        return None
    signed = (sha256_hex(signature.view), dossier.contract.content_digest)
    if signed != (signature.view_digest, signature.content_digest):
        raise _AlteredError
    return take(signature.as_record())


def _of_evidence(dossier: Dossier, evidence: Any, take: Take) -> str | None:
    if evidence is None:
        return None
    document = load_json(evidence.body)
    sealed = (document.get("job_id"), document.get("collected_at"))
    if sealed != (evidence.job_id, timestamp(evidence.collected_at)):
        raise _AlteredError
    return _agreed(evidence.sha256, sha256_hex(evidence.body))


def _agreed(kept: str, computed: str) -> str:
    """The digest, when the column that keeps it agrees with what it is computed from."""
    if kept != computed:
        raise _AlteredError
    return computed


class _AlteredError(ValueError):
    """A row does not agree with itself: it has no digest."""


# How each is taken: of the dossier, the row, and what takes it.
DIGESTS: Mapping[str, Digest] = {
    "proposal_sha256": _of_proposal,
    "draft_sha256": _of_draft,
    "validator_verdict_sha256": _of_validator_verdict,
    "eligibility_verdict_sha256": _of_eligibility_verdict,
    "content_sha256": _of_content,
    "clarification_sha256": _of_record,
    "clarification_answer_sha256": _of_record,
    "signature_sha256": _of_signature,
    "approval_sha256": _of_approval,
    "closing_sha256": _of_closing,
    "successor_id": _of_successor,
    "job_sha256": _of_job,
    "health_before_sha256": _of_record,
    "start_sha256": _of_start,
    "step_result_sha256": _of_record,
    "job_end_sha256": _of_job_end,
    "health_after_sha256": _of_record,
    "evidence_sha256": _of_evidence,
    "audit_sha256": _of_record,
    "resolution_sha256": _of_record,
}
