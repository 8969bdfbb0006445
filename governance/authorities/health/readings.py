"""Read the platform's health: the one question that every other authority may ask."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Protocol

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.utils.module_loading import import_string

from governance.db.row_mapping import (
    RowMapping,
    array_literal,
    rows_within_timeout,
)
from governance.domain.canonical import timestamp
from governance.domain.values import (
    SYSTEM_SCOPE,
    HealthDecision,
    HealthReading,
)
from governance.models import GovernanceSignal

logger = logging.getLogger(__name__)

# From best to worst: a scope is as well as the worst that is said of it.
_SEVERITY = (HealthDecision.HEALTHY, HealthDecision.DEGRADED, HealthDecision.BLOCKED)


_SIGNAL = RowMapping(GovernanceSignal, "signal")
_ACTIVE = f"""
    SELECT {_SIGNAL.sql} FROM governance_governancesignal signal
     WHERE superseded_at IS NULL AND scope = ANY (%s::varchar[]) ORDER BY scope, signal_type"""  # noqa: S608


class HealthProvider(Protocol):
    """What `GOVSITE["HEALTH_PROVIDER"]` names: a class to be made without arguments."""

    def capture(
        self, *, scopes: Collection[str], at: datetime, timeout_seconds: float
    ) -> HealthReading:
        """The health of the system and of each scope; raises when it cannot tell in time."""
        ...


def capture_health_snapshot(*, scopes: Collection[str], at: datetime) -> HealthReading | None:
    """Ask the configured provider; None when it failed, took too long, or left a scope out.

    Changes nothing. Raises OperationalError or InterfaceError when it was our own database that
    went: then nobody says that health is unknown, but that the database is away.
    """
    make_provider = import_string(settings.GOVSITE["HEALTH_PROVIDER"])
    timeout_seconds = settings.GOVSITE["HEALTH_TIMEOUT_SECONDS"]
    began = time.monotonic()
    try:
        provider: HealthProvider = make_provider()
        reading = provider.capture(scopes=scopes, at=at, timeout_seconds=timeout_seconds)
        unread = {*scopes} - {SYSTEM_SCOPE} - set(reading.capabilities)
    except Exception as failure:  # whatever a provider does, nobody knows the health now
        if _is_lost_database(failure):
            raise
        logger.warning("The health provider gave no reading.", exc_info=True)
        return None
    if unread:
        logger.warning("The health provider said nothing of %s.", ", ".join(sorted(unread)))
        return None
    if time.monotonic() - began > timeout_seconds:
        logger.warning("The health provider took longer than %s seconds.", timeout_seconds)
        return None
    return reading


def _is_lost_database(failure: Exception) -> bool:
    """Whether the server hung up, or was never reached; a statement out of time is neither."""
    if not isinstance(failure, OperationalError | InterfaceError):
        return False
    sqlstate = getattr(failure.__cause__, "sqlstate", None)
    return sqlstate is None or sqlstate.startswith(("08", "57P"))


class SignalHealthProvider:
    """Health from active signals: the worst of a scope's own; no signals means HEALTHY."""

    def capture(
        self, *, scopes: Collection[str], at: datetime, timeout_seconds: float
    ) -> HealthReading:
        wanted = {SYSTEM_SCOPE, *scopes}
        signals = [
            _SIGNAL.row(row)
            for row in rows_within_timeout(
                timeout_seconds, _ACTIVE, [array_literal(sorted(wanted))]
            )
        ]
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
    """BLOCKED over DEGRADED over HEALTHY, in any order; HEALTHY when nothing is said."""
    return max(
        (HealthDecision(decision) for decision in decisions),
        key=_SEVERITY.index,
        default=HealthDecision.HEALTHY,
    )
