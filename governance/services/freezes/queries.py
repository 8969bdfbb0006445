"""The active change freeze, as a value."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from governance.db.row_mapping import prepared_rows
from governance.domain.values import ActiveFreeze

# The freezes that are active at a time, ordered from the latest end. The statement takes the time
# three times. `FreezeQuerySet.in_force` has the same condition.
ACTIVE_FREEZES = """
    SELECT stop.ends_at, stop.reason, person.username, stop.started_at, stop.id
      FROM governance_changefreeze stop
      JOIN governance_account person ON person.id = stop.started_by_id
      LEFT JOIN governance_freezelift lift ON lift.freeze_id = stop.id
     WHERE stop.ends_at > %s
       AND (lift.id IS NULL OR (stop.started_at <= %s AND lift.lifted_at > %s))
     ORDER BY stop.ends_at DESC, stop.id DESC"""


def active_freeze(at: datetime) -> ActiveFreeze | None:
    """Return the freeze that is active at `at`, of several the one that ends last; one query."""
    rows = prepared_rows(ACTIVE_FREEZES, [at, at, at])
    return longest_freeze(rows) if rows else None


def longest_freeze(rows: Sequence[tuple[Any, ...]]) -> ActiveFreeze:
    """Return the first of the rows of `ACTIVE_FREEZES`, which ends last, as a value."""
    until, reason, by, since, _ = rows[0]
    return ActiveFreeze(until, reason, by, since, freezes=len(rows))
