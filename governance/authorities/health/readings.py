"""Health readings: the state of the platform as the other authorities get it."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Protocol

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.utils.module_loading import import_string

from governance.db.clock import database_now
from governance.db.rows import Columns, fetch_rows
from governance.domain.canonical import timestamp
from governance.domain.values import SYSTEM_SCOPE, HealthDecision, HealthReading
from governance.models import GovernanceSignal

logger = logging.getLogger(__name__)

# From best to worst: a scope has the worst decision of its signals.
_SEVERITY = (HealthDecision.HEALTHY, HealthDecision.DEGRADED, HealthDecision.BLOCKED)


_SIGNAL = Columns(GovernanceSignal, "signal")
_ACTIVE = f"""
    SELECT {_SIGNAL.sql} FROM governance_governancesignal signal
     WHERE superseded_at IS NULL AND scope = ANY (%s) ORDER BY scope, signal_type"""  # noqa: S608


class HealthProvider(Protocol):
    """The interface of the class that `GOVSITE["HEALTH_PROVIDER"]` names; it takes no arguments."""

    def capture(
        self, *, scopes: Collection[str], at: datetime, timeout_seconds: float
    ) -> HealthReading:
        """Return the health of the system and of each scope, or raise within the timeout."""
        ...


def capture_health_snapshot(
    *, scopes: Collection[str], at: datetime | None = None
) -> HealthReading | None:
    """Read health from the configured provider; None if it failed, was late or left out a scope.

    Args:
        at: the time of the operation; by default PostgreSQL's present time.

    Raises:
        OperationalError: our own database did not answer. Then the caller must report the database
            as unavailable or busy, and not the health as unknown.
        InterfaceError: likewise.
    """
    make_provider = import_string(settings.GOVSITE["HEALTH_PROVIDER"])
    timeout_seconds = settings.GOVSITE["HEALTH_TIMEOUT_SECONDS"]
    at = at or database_now()
    began = time.monotonic()
    try:
        provider: HealthProvider = make_provider()
        reading = provider.capture(scopes=scopes, at=at, timeout_seconds=timeout_seconds)
        unread = {*scopes} - {SYSTEM_SCOPE} - set(reading.capabilities)
    except (OperationalError, InterfaceError):
        raise
    except Exception:  # whatever else a provider raises, the health is unknown
        logger.warning("The health provider gave no reading.", exc_info=True)
        return None
    if unread:
        logger.warning("The health provider left out %s.", ", ".join(sorted(unread)))
        return None
    if time.monotonic() - began > timeout_seconds:
        logger.warning("The health provider took longer than %s seconds.", timeout_seconds)
        return None
    return reading


class SignalHealthProvider:
    """Health from active signals: a scope has the worst decision of its signals, or HEALTHY."""

    def capture(
        self, *, scopes: Collection[str], at: datetime, timeout_seconds: float
    ) -> HealthReading:
        wanted = {SYSTEM_SCOPE, *scopes}
        signals = [_SIGNAL.instance(row) for row in fetch_rows(_ACTIVE, [sorted(wanted)])]
        return HealthReading(
            observed_at=at,
            system=worst_of(s.decision for s in signals if s.scope == SYSTEM_SCOPE),
            capabilities={
                scope: worst_of(s.decision for s in signals if s.scope == scope)
                for scope in sorted(wanted - {SYSTEM_SCOPE})
            },
            signals=tuple(
                {
                    "scope": signal.scope,
                    "signal_type": signal.signal_type,
                    "decision": str(signal.decision),
                    "reason": signal.reason,
                    "recorded_at": timestamp(signal.recorded_at) or "",
                }
                for signal in signals
            ),
        )


def worst_of(decisions: Iterable[str]) -> HealthDecision:
    """Return the worst of the decisions, or HEALTHY if there is none."""
    return max(
        (HealthDecision(decision) for decision in decisions),
        key=_SEVERITY.index,
        default=HealthDecision.HEALTHY,
    )
