"""See at a glance that a chain fits its rows, without reading what its entries say.

Each body is spelled anew, of the entry's columns and of the digests of the rows as they stand, and
held against the one on record, letter by letter. What fits is as sure as what `judging.py` finds
no fault with, at a third of its cost. What does not is for that one to look at closely: a glance
only ever lets pass.
"""

from __future__ import annotations

from typing import NamedTuple

from governance.ledger.chain import entry_hash
from governance.ledger.dossier import DIGESTS, NO_DIGEST, Digest, Dossier
from governance.ledger.events import COUNTED, EVENTS, STANDSTILLS
from governance.ledger.told import SUBJECTS, Told
from governance.vocabulary.canonical import spelling, spelling_digest


class _Named(NamedTuple):
    """A record that an entry names, whether it is one of several, and how its digest is taken."""

    record: str
    is_counted: bool
    taken: Digest


# What the entries of an event may name, in every way that they may; more before less.
_WAYS: dict[str, list[list[_Named]]] = {
    event: [
        [_Named(record, record in COUNTED, DIGESTS[record]) for record in sorted(way)]
        for way in sorted(ways, key=len, reverse=True)
    ]
    for event, ways in EVENTS.items()
}


def told_at_a_glance(dossier: Dossier) -> Told | None:
    """What the chain tells, all of whose entries fit; None where that cannot be seen at a glance."""
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
    for number, entry in enumerate(dossier.entries, start=1):
        (
            _,
            contract_id,
            seq,
            at,
            actor,
            event,
            from_status,
            to_status,
            reason,
            step,
            body,
            prev_hash,
            its_hash,
        ) = entry
        ways = _WAYS[event]
        way = ways[0] if len(ways) == 1 else _way_told(ways, body)
        subject = SUBJECTS[event]
        if seq != number or prev_hash != head:
            return None
        if to_status:
            if event in STANDSTILLS or from_status != statuses[subject]:
                return None
            statuses[subject] = to_status
        elif event not in STANDSTILLS or not told.is_in_turn(entry):
            return None
        records = {}
        for record, is_counted, taken in way:
            place = counted[record] + 1 if is_counted else step
            digest = records[record] = taken(dossier, rows.get((record, place)), spelling_digest)
            if digest is not None:
                if digest in NO_DIGEST:
                    return None
                vouched.add((record, place))
                if is_counted:
                    counted[record] += 1
        spelled = spelling(
            {
                "actor": actor,
                "at": at,
                "contract_id": contract_id,
                "event": event,
                "from_status": from_status,
                "reason": reason,
                "records": records,
                "seq": seq,
                "step_index": step,
                "to_status": to_status,
            }
        )
        if spelled.decode() != body or its_hash != entry_hash(head, body):
            return None
        head = its_hash
        told.steps += step is not None
        if at > last_at[subject]:
            last_at[subject] = at
    return told


def _way_told(ways: list[list[_Named]], body: str) -> list[_Named]:
    """The first way of which the body has all names, or the last."""
    for way in ways:
        if all(named.record in body for named in way):
            break
    return way
