"""Health signals and readings, and health providers that fail in different ways."""

from __future__ import annotations

import time
from collections.abc import Collection
from datetime import datetime
from typing import Any

from governance.authorities.health.signals import record_signal
from governance.domain.values import HealthDecision, HealthReading
from governance.models import GovernanceSignal
from tests.support.factories import now
from tests.support.users import Users


def signal(
    users: Users, decision: HealthDecision, scope: str = "Search", signal_type: str = "latency"
) -> GovernanceSignal:
    return record_signal(
        scope=scope,
        signal_type=signal_type,
        decision=decision,
        reason="p95 over two seconds",
        actor=users.operator,
    )


def healthy(*scopes: str) -> HealthReading:
    """Return a reading in which the system and each of `scopes` is HEALTHY."""
    return HealthReading(
        observed_at=now(),
        system=HealthDecision.HEALTHY,
        capabilities=dict.fromkeys(scopes, HealthDecision.HEALTHY),
    )


class Broken:
    """A provider that raises instead of returning a reading."""

    def capture(
        self, *, scopes: Collection[str], at: datetime, timeout_seconds: float
    ) -> HealthReading:
        raise ConnectionError("The monitor does not answer.")


class Unmade(Broken):
    """A provider whose constructor raises."""

    def __init__(self) -> None:
        raise OSError("No monitor is configured.")


class Late(Broken):
    """A provider that exceeds its time limit."""

    def capture(
        self, *, scopes: Collection[str], at: datetime, timeout_seconds: float
    ) -> HealthReading:
        time.sleep(timeout_seconds + 0.05)
        return healthy(*scopes)


class Speechless(Broken):
    """A provider that returns something other than a reading."""

    def capture(self, **asked: Any) -> Any:
        return {"system": "HEALTHY"}


class Partial(Broken):
    """A provider whose reading lacks the requested scopes."""

    def capture(self, **asked: Any) -> HealthReading:
        return healthy("Something else")


FAILING = [f"{__name__}.{kind.__name__}" for kind in (Broken, Unmade, Late, Speechless, Partial)]
