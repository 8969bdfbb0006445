"""See at a glance that a chain fits its rows, without reading what its entries say.

Each body is spelled anew, of the entry's columns and of the digests of the rows as they stand, and
held against the one on record, letter by letter. What fits is as sure as what `judging.py` finds
no fault with, at a third of its cost. What does not is for that one to look at closely: a glance
only ever lets pass.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any, NamedTuple

from governance.ledger.dossier import DIGESTS, Digest, Dossier
from governance.ledger.events import COUNTED, EVENTS, STANDSTILLS
from governance.ledger.told import SUBJECTS, Told
from governance.vocabulary.canonical import spelling, spelling_digest


class _Named(NamedTuple):
    """A record that an entry names, whether it is one of several, and how its digest is taken."""

    record: str
    is_counted: bool
    taken: Digest


class _Known(NamedTuple):
    """An event: whose it is, whether it moves nothing, and what its entries name: `fuller` where
    one names `only_in_fuller`, `plain` otherwise."""

    subject: str
    stands_still: bool
    only_in_fuller: str
    fuller: list[_Named]
    plain: list[_Named]


def _known(event: str) -> _Known:
    # An event with more than two ways would be looked at closely where it takes one in between.
    ways = sorted(EVENTS[event], key=len, reverse=True)
    fuller, plain = ways[0], ways[-1]
    named = [
        [_Named(record, record in COUNTED, DIGESTS[record]) for record in sorted(way)]
        for way in (fuller, plain)
    ]
    only = min(fuller - plain, default="")
    return _Known(SUBJECTS[event], event in STANDSTILLS, only, *named)


_KNOWN = {event: _known(event) for event in EVENTS}


def told_at_a_glance(dossier: Dossier) -> Told | None:
    """What the chain tells if all its entries fit; None where that cannot be seen at a glance."""
    if dossier.twice:
        return None
    try:
        return _told(dossier)
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return None


def _told(dossier: Dossier) -> Told | None:
    told = Told()
    statuses, last_at, vouched, counted = told.statuses, told.last_at, told.vouched, told.counted
    rows, head = dossier.rows, told.head
    entries: list[Any] = list(dossier.entries)  # rows: tuples of all columns
    for number, entry in enumerate(entries, start=1):
        _, of, seq, at, actor, event, before, after, reason, step, body, prev_hash, its_hash = entry
        subject, stands_still, only_in_fuller, fuller, plain = _KNOWN[event]
        if seq != number or prev_hash != head:
            return None
        if after == "":
            if not stands_still or not told.is_in_turn(entry):
                return None
        elif stands_still or not after or before != statuses[subject]:
            return None
        else:
            statuses[subject] = after
        records = {}
        for record, is_counted, taken in fuller if only_in_fuller in body else plain:
            place = record, counted[record] + 1 if is_counted else step
            digest = records[record] = taken(dossier, rows.get(place), spelling_digest)
            if digest is not None:
                vouched.add(place)
                if is_counted:
                    counted[record] += 1
        spelled = spelling(
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
        if spelled != body.encode() or its_hash != sha256(prev_hash + spelled).digest():
            return None
        head = its_hash
        told.steps += step is not None
        if at > last_at[subject]:
            last_at[subject] = at
    told.head = head
    return told
