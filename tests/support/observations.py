"""Observations of the scopes of a job."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from governance.authorities.orchestrator.observations import record_observations
from governance.db.clock import database_now
from governance.domain.observations import ObservationPhase, ObservedScope
from tests.support.factories import Running

LAUNCHED = {"lifecycle": "LAUNCHED", "configuration": {}}


def seen(
    scope: str = "Search",
    state: dict[str, Any] | None = LAUNCHED,
    *,
    trouble: str = "",
    observer: str = "http",
    at: datetime | None = None,
) -> ObservedScope:
    """Return what an observer saw of a scope, by default now."""
    return ObservedScope(scope, observer, state, at or database_now(), trouble)


def observe(
    running: Running, *observed: ObservedScope, phase: str = "BEFORE", **index: int
) -> None:
    """Record observations of a running job, by default of its one scope before the first step."""
    record_observations(
        running.job.pk, observed or [seen()], phase=ObservationPhase(phase), **index
    )
