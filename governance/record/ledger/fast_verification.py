"""See at a glance that a chain fits its rows, without reading what its entries say.

Each body is spelled anew, of the entry's columns and of the digests of the rows as they stand, and
held against the one on record, letter by letter. What fits is as sure as what `judging.py` finds
no fault with, at a third of its cost. What does not is for that one to look at closely: a glance
only ever lets pass.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any, NamedTuple

from governance.domain.canonical import fast_canonical_bytes, fast_canonical_digest
from governance.record.ledger.chain_state import SUBJECTS, ChainState
from governance.record.ledger.contract_record import (
    DIGEST_FUNCTIONS,
    ContractRecord,
    DigestFunction,
)
from governance.record.ledger.events import (
    EVENTS,
    NUMBERED_RECORDS,
    STATUSLESS_EVENTS,
)


class _NamedRecord(NamedTuple):
    """A record that an entry names, whether it is one of several, and how its digest is taken."""

    record: str
    is_counted: bool
    digest_function: DigestFunction


class _EventShape(NamedTuple):
    """An event: whose it is, whether it moves nothing, and what its entries name: `fuller` where
    one names `only_in_fuller`, `plain` otherwise."""

    subject: str
    is_statusless: bool
    only_in_fuller: str
    fuller: list[_NamedRecord]
    plain: list[_NamedRecord]


def _event_shape(event: str) -> _EventShape:
    # An event with more than two ways would be looked at closely where it takes one in between.
    ways = sorted(EVENTS[event], key=len, reverse=True)
    fuller, plain = ways[0], ways[-1]
    named = [
        [
            _NamedRecord(record, record in NUMBERED_RECORDS, DIGEST_FUNCTIONS[record])
            for record in sorted(way)
        ]
        for way in (fuller, plain)
    ]
    only = min(fuller - plain, default="")
    return _EventShape(SUBJECTS[event], event in STATUSLESS_EVENTS, only, *named)


_EVENT_SHAPES = {event: _event_shape(event) for event in EVENTS}


def verify_chain_fast(contract_record: ContractRecord) -> ChainState | None:
    """What the chain tells if all its entries fit; None where that cannot be seen at a glance."""
    if contract_record.duplicates:
        return None
    try:
        return _chain_state(contract_record)
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return None


def _chain_state(contract_record: ContractRecord) -> ChainState | None:
    state = ChainState()
    statuses, last_at, vouched, counted = (
        state.statuses,
        state.last_at,
        state.vouched,
        state.counted,
    )
    rows, head = contract_record.rows, state.head
    entries: list[Any] = list(contract_record.entries)  # rows: tuples of all columns
    for number, entry in enumerate(entries, start=1):
        _, of, seq, at, actor, event, before, after, reason, step, body, prev_hash, its_hash = entry
        subject, is_statusless, only_in_fuller, fuller, plain = _EVENT_SHAPES[event]
        if seq != number or prev_hash != head:
            return None
        if after == "":
            if not is_statusless or not state.is_in_turn(entry):
                return None
        elif is_statusless or not after or before != statuses[subject]:
            return None
        else:
            statuses[subject] = after
        records = {}
        for record, is_counted, digest_function in fuller if only_in_fuller in body else plain:
            row_key = record, counted[record] + 1 if is_counted else step
            digest = records[record] = digest_function(
                contract_record, rows.get(row_key), fast_canonical_digest
            )
            if digest is not None:
                vouched.add(row_key)
                if is_counted:
                    counted[record] += 1
        serialized = fast_canonical_bytes(
            {
                "actor": actor,
                "at": at,
                "contract_id": of,
                "event": event,
                "from_status": before,
                "reason": reason,
                "records": records,
                "seq": seq,
                "step_index": step,
                "to_status": after,
            }
        )
        if serialized != body.encode() or its_hash != sha256(prev_hash + serialized).digest():
            return None
        head = its_hash
        state.steps += step is not None
        if at > last_at[subject]:
            last_at[subject] = at
    state.head = head
    return state
