"""Full verification: compare a contract's chain, rows and statuses, and name the first problem."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from datetime import datetime
from typing import Any

from governance.domain.canonical import load_json, timestamp
from governance.domain.lifecycles import JOB_TERMINAL_STATES
from governance.domain.review_clock import review_end
from governance.domain.values import AuditVerdict
from governance.models import LedgerEntry
from governance.record.ledger.chain import entry_hash
from governance.record.ledger.chain_state import (
    SUBJECTS,
    ChainState,
    Records,
)
from governance.record.ledger.contract_record import (
    NO_DIGEST,
    ContractRecord,
    RecordIndex,
)
from governance.record.ledger.events import EVENTS, STATUSLESS_EVENTS
from governance.record.ledger.fast_verification import verify_chain_fast


def first_problem(contract_record: ContractRecord) -> tuple[int, str] | None:
    """Find the first entry that does not fit or is missing; return its number and the problem."""
    state = verify_chain_fast(contract_record)
    if state is None:
        state, found = verify_chain_fully(contract_record)
        if found:
            return found
    if ("content_sha256", None) in state.vouched:  # the content includes the eligibility verdict
        state.vouched.add(("eligibility_verdict_sha256", None))
    problem = _problem_after(contract_record, state)
    return (len(contract_record.entries) + 1, problem) if problem else None


def verify_chain_fully(
    contract_record: ContractRecord,
) -> tuple[ChainState, tuple[int, str] | None]:
    """Verify entry by entry.

    Returns:
        The state before the first entry that does not fit, or at the end of the chain; and the
        number of that entry with its problem, if there is one.
    """
    state = ChainState()
    for number, entry in enumerate(contract_record.entries, start=1):
        if problem := _problem_of(contract_record, entry, number, state):
            return state, (number, problem)
    return state, None


def _problem_of(
    contract_record: ContractRecord, entry: LedgerEntry, number: int, state: ChainState
) -> str | None:
    """Return the problem of the `number`-th entry, or add the entry to the state."""
    if problem := _problem_of_link(entry, number, state.head):
        return problem
    try:
        body = load_json(entry.body)
        records = dict(body["records"].items())
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return "its body is not an entry"
    if problem := _problem_of_entry(contract_record, entry, body, records, state):
        return problem
    state.add_entry(entry, records)
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
    contract_record: ContractRecord,
    entry: LedgerEntry,
    body: Mapping[str, Any],
    records: Records,
    state: ChainState,
) -> str | None:
    columns = _columns_of(entry)
    if not columns.items() <= body.items():
        differing = [name for name, value in columns.items() if body.get(name) != value]
        return f"its body differs from its columns: {', '.join(differing)}"
    event, to_status = entry.event, entry.to_status
    if records.keys() not in EVENTS.get(event, ()):
        return f"{event} does not vouch for {sorted(records)}"
    if (to_status == "") != (event in STATUSLESS_EVENTS):
        return f"the status of {event} cannot be {to_status or 'empty'}"
    if to_status and entry.from_status != (current_status := state.statuses[SUBJECTS[event]]):
        return f"begins at {entry.from_status!r}, but the status was {current_status!r}"
    for record, value in records.items():
        found = contract_record.digest_of(
            record, index=state.index_of(record, entry), expected=value
        )
        if found != value or found == NO_DIGEST:
            return f"the recorded data is not what {record} vouches for"
    if event in STATUSLESS_EVENTS and not state.is_in_turn(entry):
        return f"{event} is out of turn"
    return None


def _columns_of(entry: LedgerEntry) -> dict[str, Any]:
    """Return the values that an entry's body must have, from its columns."""
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


def _problem_after(contract_record: ContractRecord, state: ChainState) -> str | None:
    contract, job = contract_record.contract, contract_record.job
    if state.statuses["contract"] != contract.status:
        recorded_status = state.statuses["contract"]
        return f"the contract is {contract.status}, but the last entry says {recorded_status}"
    if state.statuses["job"] != (job.status if job else ""):
        current_status = job.status if job else "missing"
        recorded_status = state.statuses["job"] or "nothing"
        return f"the job is {current_status}, but the last entry says {recorded_status}"
    if unvouched := _unvouched(contract_record, state.vouched):
        record, index = unvouched[0]
        return f"no entry vouches for {record.removesuffix('_sha256')} {index or ''}"
    if job and job.current_step_index != (results := _results_in(contract_record)):
        return f"the job's cursor is {job.current_step_index}, but it has {results} results"
    if timestamp(contract.review_ends_at) != (ends_at := _review_end(contract_record)):
        return f"the review's end is {contract.review_ends_at}, but must be {ends_at}"
    for row, kind in ((contract, "contract"), (job, "job")):
        if row and timestamp(row.updated_at) != (recorded_at := state.last_at[kind]):
            return (
                f"updated_at of the {kind} is {row.updated_at}, but its last entry is of "
                f"{recorded_at}"
            )
    if not contract_record.is_parent_valid:
        return "the contract that it replaces is missing, or is not REJECTED"
    if contract.audit_verdict != (given := _verdict_given(contract_record)):
        return f"the contract's verdict is {contract.audit_verdict}, but {given} was given"
    return None


def _unvouched(
    contract_record: ContractRecord, vouched: Set[tuple[str, RecordIndex]]
) -> list[tuple[str, RecordIndex]]:
    """List the rows and the filled columns whose digest no entry contains."""
    unvouched = contract_record.rows.keys() - vouched
    for record, columns in _COLUMNS.items():
        if (record, None) not in vouched and any(
            column is not None for column in columns(contract_record.contract, contract_record.job)
        ):
            unvouched.add((record, None))
    return sorted(unvouched, key=str)


# The columns of a contract and its job that must be empty until an entry vouches for them. Empty is
# NULL, or the empty text in the three columns of notes and reasons, which are never NULL.
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
    "approval_sha256": lambda contract, _: (
        value or None if name == "approval_note" else value
        for name, value in contract.approval_record().items()
    ),
    "closing_sha256": lambda contract, _: (
        contract.closed_at,
        contract.closed_by_id,
        contract.closed_reason or None,
    ),
    "start_sha256": lambda _, job: job.start_record().values() if job else (),
    "job_end_sha256": lambda _, job: (
        (job.ended_at, job.ended_by_id, job.end_reason or None) if job else ()
    ),
    "evidence_sha256": lambda _, job: ((job and job.status in JOB_TERMINAL_STATES) or None,),
}


def _results_in(contract_record: ContractRecord) -> int:
    return [record for record, _ in contract_record.rows].count("step_result_sha256")


def _review_end(contract_record: ContractRecord) -> str | None:
    """Compute the review's end from `expires_at`, which an entry vouches for, and the questions."""
    expires_at = timestamp(contract_record.contract.expires_at)
    if not contract_record.questions:
        return expires_at
    answers = contract_record.answers
    pauses = (
        (
            _parsed_time(question.asked_at),
            _parsed_time(answers[n].answered_at) if n in answers else None,
        )
        for n, question in contract_record.questions.items()
    )
    return timestamp(review_end(_parsed_time(expires_at), pauses))


def _parsed_time(at: Any) -> datetime:
    return datetime.fromisoformat(at)


def _verdict_given(contract_record: ContractRecord) -> str:
    given = contract_record.rows.get(("resolution_sha256", None)) or contract_record.rows.get(
        ("audit_sha256", None)
    )
    return given.verdict if given else AuditVerdict.PENDING
