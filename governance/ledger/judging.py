"""Judge one contract's record: hold its chain, its rows and its statuses against each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from governance.ledger.chain import GENESIS, entry_hash
from governance.ledger.dossier import Dossier, Place
from governance.ledger.events import CLARIFYING, COUNTED, EVENTS, STANDSTILLS
from governance.models import LedgerEntry
from governance.vocabulary.canonical import load_json, timestamp
from governance.vocabulary.lifecycles import JOB_TERMINAL_STATES
from governance.vocabulary.review_clock import review_end
from governance.vocabulary.values import AuditVerdict, ContractStatus, JobStatus


@dataclass(slots=True)
class _Told:
    """What a chain has told so far: where contract and job stand, and what it vouched for."""

    head: bytes = GENESIS
    statuses: dict[str, str] = field(default_factory=lambda: {"contract": "", "job": ""})
    last_at: dict[str, str] = field(default_factory=lambda: {"contract": "", "job": ""})
    steps: int = 0
    vouched: set[tuple[str, Place]] = field(default_factory=set)
    counted: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTED, 0))

    def place_of(self, record: str, entry: LedgerEntry) -> Place:
        """Which of several rows an entry vouches for: a step's, or the next by number."""
        return self.counted[record] + 1 if record in COUNTED else entry.step_index


def first_problem(dossier: Dossier) -> tuple[int, str] | None:
    """The first entry that does not fit, or is missing, and what is wrong with it."""
    told = _Told()
    for number, entry in enumerate(dossier.entries, start=1):
        if problem := _problem_of_link(entry, number, told.head):
            return number, problem
        try:
            body = load_json(entry.body)
            records = dict(body["records"].items())
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return number, "its body is not an entry"
        if problem := _problem_of_entry(dossier, entry, body, records, told):
            return number, problem
        _take_in(entry, records, told)
    if ("content_sha256", None) in told.vouched:  # it holds the eligibility verdict too
        told.vouched.add(("eligibility_verdict_sha256", None))
    problem = _problem_after(dossier, told)
    return (len(dossier.entries) + 1, problem) if problem else None


def _problem_of_link(entry: LedgerEntry, number: int, head: bytes) -> str | None:
    if entry.seq != number:
        return f"entry {number} is missing: the next one is {entry.seq}"
    if entry.prev_hash != head:
        return "does not link to the entry before it"
    if entry.hash != entry_hash(head, entry.body):
        return "its hash is not that of its body"
    return None


def _problem_of_entry(
    dossier: Dossier,
    entry: LedgerEntry,
    body: Mapping[str, Any],
    records: Mapping[str, Any],
    told: _Told,
) -> str | None:
    columns = _columns_of(entry)
    if not columns.items() <= body.items():
        differing = [name for name, value in columns.items() if body.get(name) != value]
        return f"its body does not say what its columns say: {', '.join(differing)}"
    event, to_status = entry.event, entry.to_status
    if records.keys() not in EVENTS.get(event, ()):
        return f"{event} does not vouch for {sorted(records)}"
    if (to_status == "") != (event in STANDSTILLS):
        return f"{event} cannot tell {to_status or 'no status'}"
    if to_status and entry.from_status != (standing := told.statuses[_subject(event)]):
        return f"begins at {entry.from_status!r}, but the status was {standing!r}"
    for record, value in records.items():
        place = told.place_of(record, entry)
        if dossier.digest_of(record, place=place, expected=value) != value:
            return f"what stands on record is not what {record} vouches for"
    if event in STANDSTILLS and not _is_in_turn(entry, told):
        return f"{event} is told out of turn"
    return None


def _columns_of(entry: LedgerEntry) -> dict[str, Any]:
    """What an entry's body must say, by its columns."""
    return {
        "contract_id": entry.contract_id,
        "seq": entry.seq,
        "at": timestamp(entry.at),
        "actor": entry.actor,
        "event": entry.event,
        "from_status": entry.from_status,
        "to_status": entry.to_status,
        "reason": entry.reason,
        "step_index": entry.step_index,
    }


def _is_in_turn(entry: LedgerEntry, told: _Told) -> bool:
    """What moves no status has its place all the same; a move's place is where it begins."""
    contract, job = told.statuses["contract"], told.statuses["job"]
    if entry.event in CLARIFYING:
        questions, answers = (told.counted[record] for record in CLARIFYING.values())
        is_answer = entry.event == "contract.review.clarified"
        return contract == ContractStatus.ELIGIBLE and questions - answers == is_answer
    if entry.event == "contract.review.signed":
        return contract == ContractStatus.ELIGIBLE
    if _subject(entry.event) == "job":
        return job == JobStatus.RUNNING and entry.step_index == told.steps
    has_ended = contract == ContractStatus.ACTIVE and job == JobStatus.COMPLETED
    return has_ended and ("audit_sha256", None) not in told.vouched


def _take_in(entry: LedgerEntry, records: Mapping[str, Any], told: _Told) -> None:
    """The entry fits: what it says was told."""
    subject, at = _subject(entry.event), timestamp(entry.at) or ""
    told.head = bytes(entry.hash)
    told.steps += entry.step_index is not None
    if entry.to_status:
        told.statuses[subject] = entry.to_status
    if at > told.last_at[subject]:
        told.last_at[subject] = at
    for record, value in records.items():
        if value is not None:
            told.vouched.add((record, told.place_of(record, entry)))
            if record in COUNTED:
                told.counted[record] += 1


def _problem_after(dossier: Dossier, told: _Told) -> str | None:
    contract, job = dossier.contract, dossier.job
    if told.statuses["contract"] != contract.status:
        said = told.statuses["contract"]
        return f"the contract is {contract.status}, but the last entry says {said}"
    if told.statuses["job"] != (job.status if job else ""):
        standing = job.status if job else "not there"
        said = told.statuses["job"] or "nothing"
        return f"the job is {standing}, but the last entry says {said}"
    if untold := sorted(_expected_records(dossier) - told.vouched, key=str):
        return f"no entry vouches for {untold[0][0].removesuffix('_sha256')} {untold[0][1] or ''}"
    if job and job.current_step_index != (results := _results_in(dossier)):
        return f"the cursor says {job.current_step_index}, results are {results}"
    if timestamp(contract.review_ends_at) != (ends_at := _review_end(dossier)):
        return f"the review is shown to end at {contract.review_ends_at}, but ends at {ends_at}"
    for row, kind in ((contract, "contract"), (job, "job")):
        if row and timestamp(row.updated_at) != (told_at := told.last_at[kind]):
            return f"the {kind} is shown to have changed at {row.updated_at}, told was {told_at}"
    if not dossier.parent_stands:
        return "the contract that it replaces is not there, or is not REJECTED"
    if contract.audit_verdict != (given := _verdict_given(dossier)):
        return f"the contract shows {contract.audit_verdict}, given was {given}"
    return None


def _expected_records(dossier: Dossier) -> set[tuple[str, Place]]:
    """What must have been vouched for, as the rows and columns that are filled say."""
    contract, job = dossier.contract, dossier.job
    expected = set(dossier.rows)
    filled: dict[str, Iterable[Any]] = {
        "validator_verdict_sha256": (contract.validator_verdict, contract.confidence_score),
        "eligibility_verdict_sha256": (contract.eligibility_verdict, contract.eligibility_decision),
        "content_sha256": (contract.content_digest,),
        "approval_sha256": contract.approval_record().values(),
        "closing_sha256": (contract.closed_at, contract.closed_by_id, contract.closed_reason),
    }
    if job:
        filled["start_sha256"] = job.start_record().values()
        filled["job_end_sha256"] = (job.ended_at, job.ended_by_id, job.end_reason)
        if job.status in JOB_TERMINAL_STATES:
            expected.add(("evidence_sha256", None))
    for record, columns in filled.items():
        if any(column is not None and column != "" for column in columns):
            expected.add((record, None))
    return expected


def _results_in(dossier: Dossier) -> int:
    return sum(record == "step_result_sha256" for record, _ in dossier.rows)


def _review_end(dossier: Dossier) -> str | None:
    """What follows from the time it expires, which is vouched for, and its questions."""
    expires_at = timestamp(dossier.contract.expires_at)
    if not dossier.questions:
        return expires_at
    answers = dossier.answers
    pauses = (
        (_moment(question.asked_at), _moment(answers[n].answered_at) if n in answers else None)
        for n, question in dossier.questions.items()
    )
    return timestamp(review_end(_moment(expires_at), pauses))


def _moment(at: Any) -> datetime:
    return datetime.fromisoformat(at)


def _verdict_given(dossier: Dossier) -> str:
    given = dossier.rows.get(("resolution_sha256", None)) or dossier.rows.get(
        ("audit_sha256", None)
    )
    return given.verdict if given else AuditVerdict.PENDING


def _subject(event: str) -> str:
    return event.partition(".")[0]
