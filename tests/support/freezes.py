"""Factories of change freezes and of their lifts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from governance.models import ChangeFreeze, FreezeLift
from governance.services.freezes.operations import lift_freeze, start_freeze
from tests.support.attacks import check_deferred_triggers
from tests.support.clock import as_of
from tests.support.factories import now
from tests.support.users import Users

FREEZE = "governance_changefreeze"
LIFT = "governance_freezelift"
HOUR = timedelta(hours=1)


def frozen(
    users: Users, *, hours: float = 1, at: datetime | None = None, **changes: Any
) -> ChangeFreeze:
    """Start a freeze at `at` (by default now) that lasts `hours` hours.

    The deferred triggers of earlier changes are checked first, as if those were committed.
    """
    check_deferred_triggers()
    at = at or now()
    fields = {"reason": "The payment provider is down.", "founder": users.founder} | changes
    return as_of(at, start_freeze, ends_at=at + hours * HOUR, **fields)


def lifted(users: Users, freeze: ChangeFreeze, *, at: datetime | None = None) -> FreezeLift:
    return as_of(
        at, lift_freeze, freeze_id=freeze.pk, reason="It is back.", founder=users.second_founder
    )
