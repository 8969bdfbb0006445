"""Verification of one contract: its chain entry by entry, then its rows and statuses.

Every check compares stored values with values computed from other stored values, so the first
problem is found wherever the record was changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from governance.domain.canonical import load_json, timestamp
from governance.domain.lifecycles import JOB_TERMINAL_STATES
from governance.domain.review_clock import review_end
from governance.domain.risk import risk_reasons
from governance.domain.values import AuditVerdict
from governance.record.ledger.chain import entry_hash
from governance.record.ledger.chain_state import SUBJECTS, ChainState, Records
from governance.record.ledger.contract_record import NO_DIGEST, ContractRecord, RecordIndex
from governance.record.ledger.events import EVENTS, STATUSLESS_EVENTS


def first_problem(
    contract_record: ContractRecord, *, is_ordered_by_time: bool = True
) -> tuple[int, str] | None:
    """Find the first entry that does not fit or is missing; return its number and the problem.

    Args:
        is_ordered_by_time: whether an entry with a time before that of the entry before it is a
            problem.
    """
    state = ChainState()
    for number, entry in enumerate(contract_record.entries, start=1):
        last_at = state.at
        problem = _problem_of_entry(contract_record, entry, state)
        if is_ordered_by_time and not problem and entry.at < last_at:
            problem = f"its time is before that of entry {number - 1}"
        if problem:
            return number, problem
    problem = next(_problems_after(contract_record, state), None)
    return (state.entries + 1, problem) if problem else None


# --- an entry ---
def _problem_of_entry(contract_record: ContractRecord, entry: Any, state: ChainState) -> str | None:
    """Return the problem of the next entry, or add the entry to the state."""
    if entry.seq != state.entries + 1:
        return f"entry {state.entries + 1} is missing: the next one is {entry.seq}"
    if entry.prev_hash != state.head:
        return "does not link to the entry before it"
    if entry.hash != entry_hash(state.head, entry.body):
        return "its hash is not that of its body"
    try:
        body = load_json(entry.body)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict) or not isinstance(records := body.get("records"), dict):
        return "its body is not an entry"
    problem = (
        _problem_of_columns(entry, body)
        or _problem_of_move(entry, records, state)
        or _problem_of_records(contract_record, entry, records, state)
    )
    if problem is None:
        state.add_entry(entry, records)
    return problem


def _problem_of_columns(entry: Any, body: Mapping[str, Any]) -> str | None:
    columns = {
        "contract_id": entry.contract_id,
        "seq": entry.seq,
        "at": entry.at,
        "actor": entry.actor,
        "event": entry.event,
        "from_status": entry.from_status,
        "to_status": entry.to_status,
        "reason": entry.reason,
        "step_index": entry.step_index,
        "records": body["records"],
    }
    if body == columns:
        return None
    differing = [name for name, value in columns.items() if body.get(name, ...) != value]
    return f"its body differs from its columns: {', '.join(differing or body.keys() - columns)}"


def _problem_of_move(entry: Any, records: Records, state: ChainState) -> str | None:
    """Check the event and the statuses of an entry."""
    event, to_status = entry.event, entry.to_status
    if records.keys() not in EVENTS.get(event, ()):
        return f"{event} does not vouch for {sorted(records)}"
    if (not to_status) != (event in STATUSLESS_EVENTS):
        return f"the status of {event} cannot be {to_status or 'empty'}"
    if to_status and entry.from_status != (current_status := state.statuses[SUBJECTS[event]]):
        return f"begins at {entry.from_status!r}, but the status was {current_status!r}"
    return None


def _problem_of_records(
    contract_record: ContractRecord, entry: Any, records: Records, state: ChainState
) -> str | None:
    for record, value in records.items():
        found = contract_record.digest_of(
            record, index=state.index_of(record, entry), expected=value
        )
        if found != value or found == NO_DIGEST:
            return f"the recorded data is not what {record} vouches for"
    if not entry.to_status and not state.is_in_turn(entry):
        return f"{entry.event} is out of turn"
    return None


# --- the rows and statuses after the last entry ---
def _problems_after(contract_record: ContractRecord, state: ChainState) -> Iterator[str]:
    contract, job = contract_record.contract, contract_record.job
    recorded_status = state.statuses["contract"]
    if contract.status != recorded_status:
        yield f"the contract is {contract.status}, but the last entry says {recorded_status}"
    current_status, recorded_status = job.status if job else "", state.statuses["job"]
    if current_status != recorded_status:
        yield (
            f"the job is {current_status or 'missing'}, but the last entry says "
            f"{recorded_status or 'nothing'}"
        )
    for record, index in _unvouched(contract_record, state):
        yield f"no entry vouches for {record.removesuffix('_sha256')} {index or ''}"
    results = len(contract_record.rows["StepResult"])
    if job and job.current_step_index != results:
        yield f"the job's cursor is {job.current_step_index}, but it has {results} results"
    if contract.review_ends_at != (ends_at := _review_end(contract_record)):
        yield f"the review's end is {contract.review_ends_at}, but must be {ends_at}"
    for row, subject in ((contract, "contract"), (job, "job")):
        if row and row.updated_at != (recorded_at := state.last_at[subject]):
            yield (
                f"updated_at of the {subject} is {row.updated_at}, but its last entry is of "
                f"{recorded_at}"
            )
    if contract.content_digest is None and contract.risk_asked is not None:
        # No entry vouches for the raised risk of a draft, so it must be the derived one.
        derived = risk_reasons(contract)[0].level
        if derived != contract.risk_level or derived == contract.risk_asked:
            yield f"the risk is {contract.risk_level}, but must be {derived}"
    if not contract_record.is_parent_valid:
        yield "the contract that it replaces is missing, or is not REJECTED"
    if contract.audit_verdict != (given := _verdict_given(contract_record)):
        yield f"the contract's verdict is {contract.audit_verdict}, but {given} was given"


def _unvouched(contract_record: ContractRecord, state: ChainState) -> list[tuple[str, RecordIndex]]:
    """List the rows and the filled columns whose digest no entry contains."""
    rows = {"contract": contract_record.contract, "job": contract_record.job}
    needed = set(contract_record.vouched_rows)
    for record, (subject, columns) in _EMPTY_UNTIL_RECORDED.items():
        if any(_is_filled(rows[subject], column) for column in columns):
            needed.add((record, None))
    if contract_record.job and contract_record.job.status in JOB_TERMINAL_STATES:
        needed.add(("evidence_sha256", None))
    if ("content_sha256", None) in state.vouched:  # the content includes the eligibility verdict
        needed.discard(("eligibility_verdict_sha256", None))
    return sorted(needed - state.vouched, key=str)


# The columns of the contract and its job that must be empty until an entry vouches for them.
_EMPTY_UNTIL_RECORDED: Mapping[str, tuple[str, Sequence[str]]] = {
    "validator_verdict_sha256": ("contract", ("validator_verdict", "confidence_score")),
    "eligibility_verdict_sha256": ("contract", ("eligibility_verdict", "eligibility_decision")),
    "content_sha256": ("contract", ("content_digest",)),
    "approval_sha256": (
        "contract",
        (
            "approved_by_id",
            "approved_at",
            "approved_digest",
            "approval_note",
            "window_opens_at",
            "window_closes_at",
        ),
    ),
    "closing_sha256": ("contract", ("closed_at", "closed_by_id", "closed_reason")),
    "start_sha256": (
        "job",
        ("started_at", "started_by_id", "deadline_at", "execution_token_sha256"),
    ),
    "job_end_sha256": ("job", ("ended_at", "ended_by_id", "end_reason")),
}
_NEVER_NULL = ("approval_note", "closed_reason", "end_reason")  # the empty text is their NULL


def _is_filled(row: Any, column: str) -> bool:
    value = getattr(row, column, None)  # there may be no job
    return value is not None and not (value == "" and column in _NEVER_NULL)


def _review_end(contract_record: ContractRecord) -> str | None:
    """Compute the review's end from `expires_at`, which an entry vouches for, and the questions."""
    expires_at: str | None = contract_record.contract.expires_at
    if not contract_record.rows["ClarificationRequest"]:
        return expires_at
    answered_at = {
        answer.request_id: datetime.fromisoformat(answer.answered_at)
        for answer in contract_record.rows["ClarificationAnswer"]
    }
    pauses = [
        (datetime.fromisoformat(question.asked_at), answered_at.get(question.id))
        for question in contract_record.rows["ClarificationRequest"]
    ]
    return timestamp(review_end(datetime.fromisoformat(expires_at or ""), pauses))


def _verdict_given(contract_record: ContractRecord) -> str:
    for table in ("AuditResolution", "GovernanceAudit"):
        for row in contract_record.rows[table]:
            return str(row.verdict)
    return AuditVerdict.PENDING
