"""Everything on record about one contract, and the digest of each of its rows as it stands now."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from governance.models import (
    ClarificationAnswer,
    ClarificationRequest,
    GovernanceJob,
    JobStep,
    LedgerEntry,
    SystemContract,
)
from governance.vocabulary.canonical import digest, load_json, sha256_hex, timestamp

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

    @property
    def contract_id(self) -> UUID:
        return UUID(str(self.contract.pk))

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
