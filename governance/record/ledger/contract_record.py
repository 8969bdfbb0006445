"""A contract record: all rows of one contract, and the digest of each as it is now."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from governance.domain.canonical import (
    digest,
    load_json,
    sha256_hex,
    timestamp,
)
from governance.models import (
    ClarificationAnswer,
    ClarificationRequest,
    GovernanceJob,
    JobStep,
    LedgerEntry,
    SystemContract,
)

# The value in place of a digest for a row that no entry can have vouched for; no digest equals it.
NO_DIGEST = "no digest"

# The index of one of several rows: the step of a result, or the number of a question, its answer or
# a signature. None for a row of which a contract has only one.
RecordIndex = int | None

# A function that hashes a record: `digest`, or `fast_canonical_digest` for a comparison.
HashFunction = Callable[[Any], str]
DigestFunction = Callable[["ContractRecord", Any, HashFunction], str | None]


@dataclass(slots=True)
class ContractRecord:
    """One contract with its chain, its job and all their rows, as light rows (`rows.py`).

    `rows` has the row of each record and index; `duplicates` lists those that have several rows.
    `successor_id` is the contract that replaced this one. `is_parent_valid` says whether the
    contract that this one replaces exists and is REJECTED.
    """

    contract: SystemContract
    entries: list[LedgerEntry] = field(default_factory=list)
    job: GovernanceJob | None = None
    steps: list[JobStep] = field(default_factory=list)
    questions: dict[int, ClarificationRequest] = field(default_factory=dict)
    answers: dict[int, ClarificationAnswer] = field(default_factory=dict)
    rows: dict[tuple[str, RecordIndex], Any] = field(default_factory=dict)
    duplicates: set[tuple[str, RecordIndex]] = field(default_factory=set)
    successor_id: str | None = None
    is_parent_valid: bool = True

    @property
    def contract_id(self) -> UUID:
        return UUID(str(self.contract.pk))

    def add(self, record: str, index: RecordIndex, row: Any) -> None:
        """Add a row that an entry must vouch for under the name `record`."""
        if (record, index) in self.rows:
            self.duplicates.add((record, index))
        self.rows[record, index] = row

    def digest_of(
        self, record: str, *, index: RecordIndex, expected: str | None = None
    ) -> str | None:
        """Compute the digest of the row that `record` names; None if there is no such row.

        The result is `NO_DIGEST` for a row that cannot be read, that exists twice, or whose columns
        contradict each other. The call is faster if the digest equals `expected`.

        Raises:
            KeyError: for a record that no event has.
        """
        known = DIGEST_FUNCTIONS[record]
        if (record, index) in self.duplicates:
            return NO_DIGEST
        try:
            return known(self, self.rows.get((record, index)), partial(digest, expected=expected))
        except (ValueError, TypeError, AttributeError, RecursionError):
            return NO_DIGEST


# --- the digest of each record; a ValueError or similar error means NO_DIGEST ---
def _of_record(
    contract_record: ContractRecord, row: Any, hash_function: HashFunction
) -> str | None:
    return hash_function(row.as_record()) if row else None


def _of_proposal(contract_record: ContractRecord, row: Any, hash_function: HashFunction) -> str:
    return hash_function(contract_record.contract.proposal_record())


def _of_draft(contract_record: ContractRecord, row: Any, hash_function: HashFunction) -> str:
    return hash_function(contract_record.contract.draft_record())


def _of_validator_verdict(
    contract_record: ContractRecord, row: Any, hash_function: HashFunction
) -> str:
    verdict: Any = contract_record.contract.validator_verdict or {}
    # The column repeats a value of the verdict for queries, and must equal it.
    if contract_record.contract.confidence_score != verdict.get("confidence_score"):
        raise _AlteredError
    return hash_function(verdict)


def _of_eligibility_verdict(
    contract_record: ContractRecord, row: Any, hash_function: HashFunction
) -> str:
    verdict: Any = contract_record.contract.eligibility_verdict or {}
    if contract_record.contract.eligibility_decision != verdict.get("decision"):
        raise _AlteredError
    return hash_function(verdict)


def _of_content(
    contract_record: ContractRecord, row: Any, hash_function: HashFunction
) -> str | None:
    contract = contract_record.contract
    if not math.isfinite(contract.confidence_score or 0):
        hash_function = (
            digest  # `fast_canonical_bytes` writes null for a confidence that was rewritten to NaN
        )
    kept = contract.content_digest
    return kept and _matching_digest(kept, hash_function(contract.content_record()))


def _of_approval(contract_record: ContractRecord, row: Any, hash_function: HashFunction) -> str:
    return hash_function(contract_record.contract.approval_record())


def _of_closing(contract_record: ContractRecord, row: Any, hash_function: HashFunction) -> str:
    return hash_function(contract_record.contract.closing_record())


def _of_job(contract_record: ContractRecord, job: Any, hash_function: HashFunction) -> str:
    # Without a job this raises, and the result is `NO_DIGEST`.
    return hash_function(job.creation_record([s.as_record() for s in contract_record.steps]))


def _of_start(contract_record: ContractRecord, row: Any, hash_function: HashFunction) -> str | None:
    return hash_function(contract_record.job.start_record()) if contract_record.job else None


def _of_job_end(
    contract_record: ContractRecord, row: Any, hash_function: HashFunction
) -> str | None:
    return hash_function(contract_record.job.end_record()) if contract_record.job else None


def _of_successor(
    contract_record: ContractRecord, row: Any, hash_function: HashFunction
) -> str | None:
    """Return the successor's id, which the entry contains instead of a digest."""
    return contract_record.successor_id


def _of_signature(
    contract_record: ContractRecord, signature: Any, hash_function: HashFunction
) -> str | None:
    """Compute a signature's digest, if it is on this contract's content and on its own view."""
    if signature is None:
        return None
    signed = (sha256_hex(signature.view), contract_record.contract.content_digest)
    if signed != (signature.view_digest, signature.content_digest):
        raise _AlteredError
    return hash_function(signature.as_record())


def _of_evidence(
    contract_record: ContractRecord, evidence: Any, hash_function: HashFunction
) -> str | None:
    if evidence is None:
        return None
    document = load_json(evidence.body)
    sealed = (document.get("job_id"), document.get("collected_at"))
    if sealed != (evidence.job_id, timestamp(evidence.collected_at)):
        raise _AlteredError
    return _matching_digest(evidence.sha256, sha256_hex(evidence.body))


def _matching_digest(kept: str, computed: str) -> str:
    """Return the computed digest, if the column that stores the digest has the same."""
    if kept != computed:
        raise _AlteredError
    return computed


class _AlteredError(ValueError):
    """A contradiction between the columns of a row, for which no digest is computed."""


# The digest function of each record; its arguments are the contract record, the row and the hash
# function.
DIGEST_FUNCTIONS: Mapping[str, DigestFunction] = {
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
