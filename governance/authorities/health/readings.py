"""Health readings: the state of the platform as the other authorities get it."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.utils.module_loading import import_string

from governance.db.clock import database_now
from governance.db.rows import array_literal, fetch_rows
from governance.domain.canonical import timestamp
from governance.domain.health import worst_of
from governance.domain.values import SYSTEM_SCOPE, HealthReading

logger = logging.getLogger(__name__)

# Health is read several times in a run of a job, so the columns are taken as they come.
_ACTIVE = """
    SELECT scope, signal_type, decision, reason, recorded_at, expires_at
      FROM governance_activesignal WHERE scope = ANY (%s) ORDER BY scope, signal_type"""


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
        capabilities = sorted({*scopes} - {SYSTEM_SCOPE})
        signals = [
            _signal_record(*row)
            for row in fetch_rows(_ACTIVE, [array_literal([SYSTEM_SCOPE, *capabilities])])
        ]
        decisions: dict[str, list[str]] = {}
        for signal in signals:
            decisions.setdefault(signal["scope"], []).append(signal["decision"])
        return HealthReading(
            observed_at=at,
            system=worst_of(decisions.get(SYSTEM_SCOPE, ())),
            capabilities={scope: worst_of(decisions.get(scope, ())) for scope in capabilities},
            signals=tuple(signals),
        )


def _signal_record(
    scope: str,
    signal_type: str,
    decision: str,
    reason: str,
    recorded_at: datetime,
    expires_at: datetime | None,
) -> dict[str, str]:
    """Return a signal as a reading has it; `expires_at` is there if the signal expires."""
    record = {
        "scope": scope,
        "signal_type": signal_type,
        "decision": decision,
        "reason": reason,
        "recorded_at": timestamp(recorded_at) or "",
    }
    expires = timestamp(expires_at)
    return record if expires is None else record | {"expires_at": expires}
