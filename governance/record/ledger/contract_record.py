"""A contract record: all rows of one contract, and the value of each row as it is now."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from governance.domain.canonical import digest, load_json, sha256_hex, timestamp

# The value in place of a digest for a row that no entry can have vouched for; no digest equals it.
NO_DIGEST = "no digest"

# The index of one of several rows: the step of a result, or the number of a question, its answer or
# a signature or an attempt of an audit. None for a row of which a contract has only one.
RecordIndex = int | None


@dataclass(slots=True)
class ContractRecord:
    """One contract with all its rows, as light rows (`rows.py`), by the name of their table.

    `successor_ids` are the contracts that replaced this one: one at most, unless rows were altered.
    `is_parent_valid` says whether the contract that this one replaces exists and is REJECTED.
    """

    rows: dict[str, list[Any]]
    successor_ids: list[str] = field(default_factory=list)
    is_parent_valid: bool = True
    # The row of each record and index for which an entry must vouch, and those that exist twice.
    vouched_rows: dict[tuple[str, RecordIndex], Any] = field(init=False, default_factory=dict)
    duplicates: set[tuple[str, RecordIndex]] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        for record, index, row in self._rows_to_vouch_for():
            if (record, index) in self.vouched_rows:
                self.duplicates.add((record, index))
            self.vouched_rows[record, index] = row

    @property
    def contract(self) -> Any:
        return self.rows["SystemContract"][0]

    @property
    def contract_id(self) -> UUID:
        return UUID(self.contract.id)

    @property
    def entries(self) -> list[Any]:
        return self.rows["LedgerEntry"]

    @property
    def job(self) -> Any:
        """The contract's job, or None."""
        return self.vouched_rows.get(("job_sha256", None))

    def digest_of(
        self, record: str, *, index: RecordIndex = None, expected: str | None = None
    ) -> str | None:
        """Compute the digest of the row that `record` names; None if there is no such row.

        The result is `NO_DIGEST` for a row that cannot be read, that exists twice, or whose columns
        contradict each other. The call is faster if the digest equals `expected`.

        Raises:
            KeyError: for a record that no event has.
        """
        value_of = VALUE_FUNCTIONS[record]
        if (record, index) in self.duplicates:
            return NO_DIGEST
        try:
            value = value_of(self, self.vouched_rows.get((record, index)))
            if value is None or isinstance(value, str):
                return value
            return digest(value, expected=expected)
        except (ValueError, TypeError, AttributeError, RecursionError):
            return NO_DIGEST

    def _rows_to_vouch_for(self) -> Iterator[tuple[str, RecordIndex, Any]]:
        rows = self.rows
        number_of = {}
        for question in rows["ClarificationRequest"]:
            number_of[question.id] = question.number
            yield "clarification_sha256", question.number, question
        for answer in rows["ClarificationAnswer"]:
            yield "clarification_answer_sha256", number_of[answer.request_id], answer
        for signature in rows["ApprovalSignature"]:
            yield "signature_sha256", signature.number, signature
        for attempt in rows["AuditAttempt"]:
            yield "audit_attempt_sha256", attempt.number, attempt
        for result in rows["StepResult"]:
            yield "step_result_sha256", result.step_index, result
        for snapshot in rows["HealthSnapshot"]:
            yield f"health_{snapshot.phase.lower()}_sha256", None, snapshot
        for record, table in _ONCE.items():
            for row in rows[table]:
                yield record, None, row
        for successor_id in self.successor_ids:
            yield "successor_id", None, successor_id


_ONCE: Mapping[str, str] = {
    "job_sha256": "GovernanceJob",
    "evidence_sha256": "AuditEvidence",
    "audit_sha256": "GovernanceAudit",
    "resolution_sha256": "AuditResolution",
}


# --- the value of each record: the record to hash, or a text that entries contain as it is ---
ValueFunction = Callable[[ContractRecord, Any], Any]


def _of_row(contract_record: ContractRecord, row: Any) -> Any:
    return row and row.as_record()


def _of_validator_verdict(contract_record: ContractRecord, row: Any) -> Any:
    verdict = contract_record.contract.validator_verdict or {}
    # The column repeats a value of the verdict for queries, and must equal it.
    _require_equal(contract_record.contract.confidence_score, verdict.get("confidence_score"))
    return verdict


def _of_eligibility_verdict(contract_record: ContractRecord, row: Any) -> Any:
    verdict = contract_record.contract.eligibility_verdict or {}
    _require_equal(contract_record.contract.eligibility_decision, verdict.get("decision"))
    return verdict


def _of_content(contract_record: ContractRecord, row: Any) -> Any:
    contract = contract_record.contract
    # A digest could not tell a confidence that is no number from one that is None.
    if not math.isfinite(contract.confidence_score or 0):
        raise _AlteredError
    kept = contract.content_digest
    _require_equal(kept, digest(contract.content_record(), expected=kept))
    return kept


def _of_job(contract_record: ContractRecord, job: Any) -> Any:
    # Without a job this raises, and the result is `NO_DIGEST`.
    return job.creation_record([step.as_record() for step in contract_record.rows["JobStep"]])


def _of_signature(contract_record: ContractRecord, signature: Any) -> Any:
    """Return a signature's record, if it is on this contract's content and on its own view."""
    if signature is None:
        return None
    _require_equal(signature.view_digest, sha256_hex(signature.view))
    _require_equal(signature.content_digest, contract_record.contract.content_digest)
    # A signature names the authorisation that was given with it, and none was given otherwise.
    given = [
        sha256_hex(one.body)
        for one in contract_record.rows["RollbackAuthorisation"]
        if one.signature_id == signature.id
        and one.sha256 == sha256_hex(one.body)
        and _fits_its_columns(one)
    ]
    _require_equal(
        given, [signature.authorisation_sha256] if signature.authorisation_sha256 else []
    )
    return signature.as_record()


def _fits_its_columns(authorisation: Any) -> bool:
    body = load_json(authorisation.body)
    columns = (authorisation.contract_id, authorisation.founder_id, authorisation.ends_at)
    return (body["contract_id"], body["founder"], body["ends_at"]) == columns


def _of_evidence(contract_record: ContractRecord, evidence: Any) -> Any:
    if evidence is None:
        return None
    document = load_json(evidence.body)
    _require_equal(document.get("job_id"), evidence.job_id)
    _require_equal(document.get("collected_at"), timestamp(evidence.collected_at))
    _require_equal(evidence.sha256, sha256_hex(evidence.body))
    # Evidence from before version 1.2.0 has no observations, and neither has its job.
    observations = document.get("observations") or {}
    for name, phase in (("before", "BEFORE"), ("steps", "STEP"), ("after", "AFTER")):
        rows = contract_record.rows["Observation"]
        found = [row.as_record() for row in rows if row.phase == phase]
        _require_equal(found, observations.get(name) or [])
    return evidence.sha256


def _require_equal(one: Any, other: Any) -> None:
    """Refuse columns of a row that contradict each other: no digest is computed for such a row."""
    if one != other:
        raise _AlteredError


class _AlteredError(ValueError):
    """A contradiction between the columns of a row."""


VALUE_FUNCTIONS: Mapping[str, ValueFunction] = {
    "proposal_sha256": lambda record, _: record.contract.proposal_record(),
    "draft_sha256": lambda record, _: record.contract.draft_record(),
    "validator_verdict_sha256": _of_validator_verdict,
    "eligibility_verdict_sha256": _of_eligibility_verdict,
    "content_sha256": _of_content,
    "clarification_sha256": _of_row,
    "clarification_answer_sha256": _of_row,
    "signature_sha256": _of_signature,
    "approval_sha256": lambda record, _: record.contract.approval_record(),
    "closing_sha256": lambda record, _: record.contract.closing_record(),
    "successor_id": lambda _, successor_id: successor_id,
    "job_sha256": _of_job,
    "health_before_sha256": _of_row,
    "start_sha256": lambda record, _: record.job and record.job.start_record(),
    "step_result_sha256": _of_row,
    "job_end_sha256": lambda record, _: record.job and record.job.end_record(),
    "health_after_sha256": _of_row,
    "evidence_sha256": _of_evidence,
    "audit_attempt_sha256": _of_row,
    "audit_sha256": _of_row,
    "resolution_sha256": _of_row,
}
