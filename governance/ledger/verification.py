"""Prove that nothing was rewritten: recompute every chain and hold the record against it.

For each contract: every hash and link, every column against its entry's body, every row against
the digest that its entry vouches for, every status against the last entry, and every row that must
have an entry for the one it has. The first thing that does not fit is named.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import DataError, connection, transaction
from django.db.models import Count, Exists, OuterRef

from governance.ledger.chain import GENESIS, entry_hash
from governance.ledger.dossier import Dossier, load_dossiers
from governance.ledger.events import CLARIFYING, COUNTED, EVENTS, STANDSTILLS
from governance.models import LedgerEntry, SystemContract
from governance.vocabulary.canonical import timestamp
from governance.vocabulary.lifecycles import JOB_TERMINAL_STATES
from governance.vocabulary.review_clock import review_end
from governance.vocabulary.values import AuditVerdict, ContractStatus, JobStatus

CONTRACTS_AT_ONCE = 200
# What a row does that was rewritten into something Python cannot hold, such as endless nesting.
_UNREADABLE = (DataError, ValueError, RecursionError)


@dataclass(frozen=True, slots=True)
class Finding:
    """`seq` is the first entry of the contract's chain that does not fit, or is missing."""

    contract_id: UUID
    seq: int
    problem: str


@dataclass(frozen=True, slots=True)
class Checked:
    """One contract's chain, and what was wrong with it: None when it is whole."""

    contract_id: UUID
    entries: int
    finding: Finding | None


def verify_ledger(contract_ids: Sequence[UUID] | None = None) -> Iterator[Checked]:
    """Check these contracts, or all of them, in order of id; memory does not grow with them.

    Each batch is read in one snapshot, so that work going on meanwhile is not mistaken for
    tampering.
    """
    for batch in _batches(contract_ids):
        try:
            yield from _check(batch)
        except _UNREADABLE:
            for contract_id in batch:
                yield from _check_alone(contract_id)
    if contract_ids is None:
        yield from _chains_without_contract()


def examine(contract_id: UUID) -> tuple[Checked | None, Dossier | None]:
    """One contract's chain checked, and the record as it was then.

    None and None where there is no such contract; no record where it cannot even be read.
    """
    try:
        with one_snapshot():
            dossier = next(load_dossiers([contract_id]), None)
        if dossier is None:
            return None, None
        finding = _first_finding(dossier)
    except _UNREADABLE as error:
        return _unreadable(contract_id, error), None
    return Checked(contract_id, len(dossier.entries), finding), dossier


def _check(batch: Sequence[UUID]) -> list[Checked]:
    with one_snapshot():
        dossiers = list(load_dossiers(batch))
    return [
        Checked(dossier.contract.pk, len(dossier.entries), _first_finding(dossier))
        for dossier in dossiers
    ]


def _check_alone(contract_id: UUID) -> list[Checked]:
    """A record that cannot even be read is a finding, and no reason to stop at the others."""
    try:
        return _check([contract_id])
    except _UNREADABLE as error:
        return [_unreadable(contract_id, error)]


def _unreadable(contract_id: UUID, error: Exception) -> Checked:
    problem = f"the record cannot be read: {type(error).__name__}"
    return Checked(contract_id, 0, Finding(contract_id, 1, problem))


def _chains_without_contract() -> Iterator[Checked]:
    """A contract that was removed leaves its chain behind."""
    contract = SystemContract.objects.filter(pk=OuterRef("contract_id"))
    left = LedgerEntry.objects.filter(~Exists(contract)).order_by("contract_id")
    for contract_id, entries in left.values_list("contract_id").annotate(Count("pk")):
        yield Checked(contract_id, entries, Finding(contract_id, 1, "there is no such contract"))


@contextmanager
def one_snapshot() -> Iterator[None]:
    """A read-only transaction that sees one moment, unless one is open already."""
    with transaction.atomic():
        # Inside somebody else's transaction (a test's) it is too late to ask for a snapshot.
        if not connection.savepoint_ids:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def _batches(contract_ids: Sequence[UUID] | None) -> Iterator[list[UUID]]:
    if contract_ids is not None:
        for start in range(0, len(contract_ids), CONTRACTS_AT_ONCE):
            yield list(contract_ids[start : start + CONTRACTS_AT_ONCE])
        return
    waiting = SystemContract.objects.order_by("pk").values_list("pk", flat=True)
    batch = list(waiting[:CONTRACTS_AT_ONCE])
    while batch:
        yield batch
        batch = list(waiting.filter(pk__gt=batch[-1])[:CONTRACTS_AT_ONCE])


def _first_finding(dossier: Dossier) -> Finding | None:
    told = {"contract": "", "job": ""}
    steps_told = 0
    prev_hash = GENESIS
    vouched: set[tuple[str, int | None]] = set()
    for number, entry in enumerate(dossier.entries, start=1):
        problem = _problem_of_entry(dossier, entry, number, prev_hash, told, vouched)
        problem = problem or _out_of_turn(entry, told, vouched, steps_told)
        if problem:
            return Finding(dossier.contract.pk, number, problem)
        prev_hash = bytes(entry.hash)
        if entry.to_status:
            told[_subject(entry)] = entry.to_status
        steps_told += entry.step_index is not None
        vouched |= {
            (record, _place_of(record, entry, vouched))
            for record, value in json.loads(entry.body)["records"].items()
            if value is not None
        }
    if ("content_sha256", None) in vouched:  # it holds the eligibility verdict too
        vouched.add(("eligibility_verdict_sha256", None))
    problem = _problem_after(dossier, told, vouched)
    return Finding(dossier.contract.pk, len(dossier.entries) + 1, problem) if problem else None


def _place_of(record: str, entry: LedgerEntry, vouched: set[tuple[str, int | None]]) -> int | None:
    """Which of several rows of its kind an entry vouches for: a step's, or the next by number."""
    if record not in COUNTED:
        return entry.step_index
    return _told_so_far(record, vouched) + 1


def _told_so_far(record: str, vouched: set[tuple[str, int | None]]) -> int:
    return sum(name == record for name, _ in vouched)


def _problem_of_entry(
    dossier: Dossier,
    entry: LedgerEntry,
    number: int,
    prev_hash: bytes,
    told: dict[str, str],
    vouched: set[tuple[str, int | None]],
) -> str | None:
    if entry.seq != number:
        return f"entry {number} is missing: the next one is {entry.seq}"
    if bytes(entry.prev_hash) != prev_hash:
        return "does not link to the entry before it"
    if bytes(entry.hash) != entry_hash(prev_hash, entry.body):
        return "its hash is not that of its body"
    try:
        body = json.loads(entry.body)
        records = dict(body["records"].items())
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return "its body is not an entry"
    if differing := _columns_that_differ(entry, body):
        return f"its body does not say what its columns say: {', '.join(differing)}"
    if set(records) not in EVENTS.get(entry.event, ()):
        return f"{entry.event} does not vouch for {sorted(records)}"
    if (entry.to_status == "") != (entry.event in STANDSTILLS):
        return f"{entry.event} cannot tell {entry.to_status or 'no status'}"
    if entry.to_status and entry.from_status != told[_subject(entry)]:
        return f"begins at {entry.from_status!r}, but the status was {told[_subject(entry)]!r}"
    for record, value in sorted(records.items()):
        if dossier.digest_of(record, place=_place_of(record, entry, vouched)) != value:
            return f"what stands on record is not what {record} vouches for"
    return None


def _out_of_turn(
    entry: LedgerEntry,
    told: dict[str, str],
    vouched: set[tuple[str, int | None]],
    steps_told: int,
) -> str | None:
    """What moves no status has its place all the same; a move's place is where it begins."""
    if entry.event not in STANDSTILLS:
        return None
    if entry.event in CLARIFYING:
        questions, answers = (_told_so_far(record, vouched) for record in CLARIFYING.values())
        is_answer = entry.event == "contract.review.clarified"
        in_turn = told["contract"] == ContractStatus.ELIGIBLE and questions - answers == is_answer
    elif entry.event == "contract.review.signed":
        in_turn = told["contract"] == ContractStatus.ELIGIBLE
    elif _subject(entry) == "job":
        in_turn = told["job"] == JobStatus.RUNNING and entry.step_index == steps_told
    else:
        ended = {"contract": ContractStatus.ACTIVE, "job": JobStatus.COMPLETED}
        in_turn = told == ended and ("audit_sha256", None) not in vouched
    return None if in_turn else f"{entry.event} is told out of turn"


def _columns_that_differ(entry: LedgerEntry, body: dict[str, Any]) -> list[str]:
    columns = {
        "contract_id": str(entry.contract_id),
        "seq": entry.seq,
        "at": timestamp(entry.at),
        "actor": entry.actor,
        "event": entry.event,
        "from_status": entry.from_status,
        "to_status": entry.to_status,
        "reason": entry.reason,
        "step_index": entry.step_index,
    }
    return [name for name, value in columns.items() if body.get(name) != value]


def _problem_after(
    dossier: Dossier, told: dict[str, str], vouched: set[tuple[str, int | None]]
) -> str | None:
    contract, job = dossier.contract, dossier.job
    if told["contract"] != contract.status:
        return f"the contract is {contract.status}, but the last entry says {told['contract']}"
    if told["job"] != (job.status if job else ""):
        standing = job.status if job else "not there"
        return f"the job is {standing}, but the last entry says {told['job'] or 'nothing'}"
    if untold := sorted(_expected_records(dossier) - vouched, key=str):
        return f"no entry vouches for {untold[0][0].removesuffix('_sha256')} {untold[0][1] or ''}"
    if job and job.current_step_index != len(dossier.results):
        return f"the cursor says {job.current_step_index}, results are {len(dossier.results)}"
    if contract.review_ends_at != (ends_at := _review_end(dossier)):
        return f"the review is shown to end at {contract.review_ends_at}, but ends at {ends_at}"
    for row, kind in ((contract, "contract"), (job, "job")):
        if row and row.updated_at != (told_at := _last_told(dossier, kind)):
            return f"the {kind} is shown to have changed at {row.updated_at}, told was {told_at}"
    if not dossier.parent_stands:
        return "the contract that it replaces is not there, or is not REJECTED"
    if contract.audit_verdict != _verdict_given(dossier):
        return f"the contract shows {contract.audit_verdict}, given was {_verdict_given(dossier)}"
    return None


def _expected_records(dossier: Dossier) -> set[tuple[str, int | None]]:
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
    expected |= {
        (record, None)
        for record, columns in filled.items()
        if any(column not in (None, "") for column in columns)
    }
    return expected


def _review_end(dossier: Dossier) -> datetime | None:
    """What follows from the time it expires, which is vouched for, and its questions."""
    answers = dossier.answers
    pauses = (
        (question.asked_at, answers[number].answered_at if number in answers else None)
        for number, question in dossier.questions.items()
    )
    return review_end(dossier.contract.expires_at, pauses)


def _last_told(dossier: Dossier, kind: str) -> datetime | None:
    """The latest time of the entries about the contract, or about its job."""
    return max((entry.at for entry in dossier.entries if _subject(entry) == kind), default=None)


def _verdict_given(dossier: Dossier) -> str:
    given = dossier.resolution or dossier.audit
    return given.verdict if given else AuditVerdict.PENDING


def _subject(entry: LedgerEntry) -> str:
    return entry.event.partition(".")[0]
