"""The change freezes that are active (`active_freezes.sql`)."""

from __future__ import annotations

from datetime import datetime

from governance.db.rows import fetch_rows
from governance.domain.values import ActiveFreeze
from governance.models import ChangeFreeze

_ACTIVE = """
    SELECT active.ends_at, active.reason, person.username, active.started_at,
           count(*) OVER ()
      FROM governance_active_freezes(coalesce(%s, governance_now())) active
      JOIN governance_account person ON person.id = active.started_by_id
     ORDER BY active.ends_at DESC, active.id DESC
     LIMIT 1"""


def active_freezes() -> list[ChangeFreeze]:
    """Return the freezes that are active now with the founders who started them, in two queries.

    The one that ends last comes first.
    """
    rows = ChangeFreeze.objects.raw("SELECT * FROM governance_active_freezes(governance_now())")
    return list(rows.prefetch_related("started_by"))


def active_freeze(at: datetime | None = None) -> ActiveFreeze | None:
    """Return the freeze that is active at `at`, by default now; of several the one that ends last.

    One query.
    """
    rows = fetch_rows(_ACTIVE, [at])
    return ActiveFreeze(*rows[0]) if rows else None
