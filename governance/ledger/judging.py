"""Judge one contract's record: hold its chain, its rows and its statuses against each other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from datetime import datetime
from typing import Any

from governance.ledger.chain import entry_hash
from governance.ledger.dossier import NO_DIGEST, Dossier, Place
from governance.ledger.events import EVENTS, STANDSTILLS
from governance.ledger.glance import told_at_a_glance
from governance.ledger.told import SUBJECTS, Records, Told
from governance.models import LedgerEntry
from governance.vocabulary.canonical import load_json, timestamp
from governance.vocabulary.lifecycles import JOB_TERMINAL_STATES
from governance.vocabulary.review_clock import review_end
from governance.vocabulary.values import AuditVerdict


def first_problem(dossier: Dossier) -> tuple[int, str] | None:
    """The first entry that does not fit, or is missing, and what is wrong with it."""
    told = told_at_a_glance(dossier)
    if told is None:
        told, found = told_closely(dossier)
        if found:
            return found
    if ("content_sha256", None) in told.vouched:  # it holds the eligibility verdict too
        told.vouched.add(("eligibility_verdict_sha256", None))
    problem = _problem_after(dossier, told)
    return (len(dossier.entries) + 1, problem) if problem else None


def told_closely(dossier: Dossier) -> tuple[Told, tuple[int, str] | None]:
    """What the chain tells up to the first entry that does not fit, and that one with what is
    wrong with it, if there is one."""
    told = Told()
    for number, entry in enumerate(dossier.entries, start=1):
        if problem := _problem_of(dossier, entry, number, told):
            return told, (number, problem)
    return told, None


def _problem_of(dossier: Dossier, entry: LedgerEntry, number: int, told: Told) -> str | None:
    """What is wrong with the entry that comes `number`-th; what fits is taken in."""
    if problem := _problem_of_link(entry, number, told.head):
        return problem
    try:
        body = load_json(entry.body)
        records = dict(body["records"].items())
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return "its body is not an entry"
    if problem := _problem_of_entry(dossier, entry, body, records, told):
        return problem
    told.take_in(entry, records)
    return None


def _problem_of_link(entry: LedgerEntry, number: int, head: bytes) -> str | None:
    if entry.seq != number:
        return f"entry {number} is missing: the next one is {entry.seq}"
    if entry.prev_hash != head:
        return "does not link to the entry before it"
    if entry.hash != entry_hash(head, entry.body):
        return "its hash is not that of its body"
    return None


def _problem_of_entry(
    dossier: Dossier, entry: LedgerEntry, body: Mapping[str, Any], records: Records, told: Told
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
    if to_status and entry.from_status != (standing := told.statuses[SUBJECTS[event]]):
        return f"begins at {entry.from_status!r}, but the status was {standing!r}"
    for record, value in records.items():
        found = dossier.digest_of(record, place=told.place_of(record, entry), expected=value)
        if found != value or found == NO_DIGEST:
            return f"what stands on record is not what {record} vouches for"
    if event in STANDSTILLS and not told.is_in_turn(entry):
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


def _problem_after(dossier: Dossier, told: Told) -> str | None:
    contract, job = dossier.contract, dossier.job
    if told.statuses["contract"] != contract.status:
        said = told.statuses["contract"]
        return f"the contract is {contract.status}, but the last entry says {said}"
    if told.statuses["job"] != (job.status if job else ""):
        standing = job.status if job else "not there"
        said = told.statuses["job"] or "nothing"
        return f"the job is {standing}, but the last entry says {said}"
    if untold := _untold(dossier, told.vouched):
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


def _untold(dossier: Dossier, vouched: Set[tuple[str, Place]]) -> list[tuple[str, Place]]:
    """What had to be vouched for, as the rows and columns that are filled say, and was not."""
    untold = dossier.rows.keys() - vouched
    for record, columns in _COLUMNS.items():
        if (record, None) not in vouched and any(
            column is not None and column != "" for column in columns(dossier.contract, dossier.job)
        ):
            untold.add((record, None))
    return sorted(untold, key=str)


# The columns of a contract and its job that are empty as long as no entry vouches for them.
_COLUMNS: Mapping[str, Callable[[Any, Any], Iterable[Any]]] = {
    "validator_verdict_sha256": lambda contract, _: (
        contract.validator_verdict,
        contract.confidence_score,
    ),
    "eligibility_verdict_sha256": lambda contract, _: (
        contract.eligibility_verdict,
        contract.eligibility_decision,
    ),
    "content_sha256": lambda contract, _: (contract.content_digest,),
    "approval_sha256": lambda contract, _: contract.approval_record().values(),
    "closing_sha256": lambda contract, _: (
        contract.closed_at,
        contract.closed_by_id,
        contract.closed_reason,
    ),
    "start_sha256": lambda _, job: job.start_record().values() if job else (),
    "job_end_sha256": lambda _, job: (job.ended_at, job.ended_by_id, job.end_reason) if job else (),
    "evidence_sha256": lambda _, job: ((job and job.status in JOB_TERMINAL_STATES) or None,),
}


def _results_in(dossier: Dossier) -> int:
    return [record for record, _ in dossier.rows].count("step_result_sha256")


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
