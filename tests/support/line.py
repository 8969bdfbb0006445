"""A line that stands still, for tests."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from governance.flows.freeze_line import freeze_line, thaw_freeze
from governance.models import LineFreeze, LineThaw
from tests.support.attacks import check_deferred_laws
from tests.support.cast import Cast
from tests.support.stories import now

FREEZE = "governance_linefreeze"
THAW = "governance_linethaw"
HOUR = timedelta(hours=1)


def frozen(
    cast: Cast, *, hours: float = 1, at: datetime | None = None, **changes: Any
) -> LineFreeze:
    """A freeze that begins at `at`, or just now, and lasts some hours.

    What the test did before counts as committed before it.
    """
    check_deferred_laws()
    at = at or now()
    fields = {"reason": "The payment provider is down.", "founder": cast.founder} | changes
    return freeze_line(ends_at=at + hours * HOUR, at=at, **fields)


def thawed(cast: Cast, freeze: LineFreeze, *, at: datetime | None = None) -> LineThaw:
    return thaw_freeze(
        freeze_id=freeze.pk, reason="It is back.", founder=cast.second_founder, at=at or now()
    )
