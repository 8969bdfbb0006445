"""Prove that nothing was rewritten: recompute every chain and hold the record against it.

For each contract: every hash and link, every column against its entry's body, every row against
the digest that its entry vouches for, every status against the last entry, and every row that must
have an entry for the one it has. The first thing that does not fit is named.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import DataError, connection, transaction

from governance.ledger.chain import GENESIS, entry_hash
from governance.ledger.dossier import Dossier, load_dossiers
from governance.ledger.events import EVENTS, STANDSTILLS
from governance.models import LedgerEntry, SystemContract
from governance.vocabulary.canonical import timestamp
from governance.vocabulary.lifecycles import JOB_TERMINAL_STATES
from governance.vocabulary.values import AuditVerdict

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
        problem = f"the record cannot be read: {type(error).__name__}"
        return [Checked(contract_id, 0, Finding(contract_id, 1, problem))]


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
    prev_hash = GENESIS
    vouched: set[tuple[str, int | None]] = set()
    for number, entry in enumerate(dossier.entries, start=1):
        problem = _problem_of_entry(dossier, entry, number, prev_hash, told)
        if problem:
            return Finding(dossier.contract.pk, number, problem)
        prev_hash = bytes(entry.hash)
        if entry.to_status:
            told[_subject(entry)] = entry.to_status
        vouched |= {
            (record, entry.step_index)
            for record, value in json.loads(entry.body)["records"].items()
            if value is not None
        }
    problem = _problem_after(dossier, told, vouched)
    return Finding(dossier.contract.pk, len(dossier.entries) + 1, problem) if problem else None


def _problem_of_entry(
    dossier: Dossier, entry: LedgerEntry, number: int, prev_hash: bytes, told: dict[str, str]
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
        if dossier.digest_of(record, step_index=entry.step_index) != value:
            return f"what stands on record is not what {record} vouches for"
    return None


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
    if job is None:
        return None
    if untold := sorted(_expected_records(dossier) - vouched, key=str):
        return f"no entry vouches for {untold[0][0].removesuffix('_sha256')} {untold[0][1] or ''}"
    if job.current_step_index != len(dossier.results):
        return f"the cursor says {job.current_step_index}, results are {len(dossier.results)}"
    if contract.audit_verdict != _verdict_given(dossier):
        return f"the contract shows {contract.audit_verdict}, given was {_verdict_given(dossier)}"
    return None


def _expected_records(dossier: Dossier) -> set[tuple[str, int | None]]:
    """What must have been vouched for, as the rows that are there say."""
    expected: set[tuple[str, int | None]] = {("job_sha256", None)}
    expected |= {("step_result_sha256", index) for index in dossier.results}
    expected |= {(f"health_{phase.lower()}_sha256", None) for phase in dossier.snapshots}
    if dossier.evidence or (dossier.job and dossier.job.status in JOB_TERMINAL_STATES):
        expected.add(("evidence_sha256", None))
    if dossier.audit:
        expected.add(("audit_sha256", None))
    if dossier.resolution:
        expected.add(("resolution_sha256", None))
    return expected


def _verdict_given(dossier: Dossier) -> str:
    given = dossier.resolution or dossier.audit
    return given.verdict if given else AuditVerdict.PENDING


def _subject(entry: LedgerEntry) -> str:
    return entry.event.partition(".")[0]
