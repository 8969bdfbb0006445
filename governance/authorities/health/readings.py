"""Health readings: the state of the platform as the other authorities get it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Protocol

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.utils.module_loading import import_string

from governance.authorities.health.failures import record_failures
from governance.authorities.health.signals import IS_ACTIVE
from governance.db.clock import database_now
from governance.db.rows import array_literal, fetch_rows
from governance.db.transactions import keep_after_rollback
from governance.domain.canonical import timestamp
from governance.domain.health import HealthTrouble, UnknownHealth, in_words, worst_of
from governance.domain.values import SYSTEM_SCOPE, HealthReading

logger = logging.getLogger(__name__)

# Health is read several times in a run of a job, so the columns are taken as they come.
_ACTIVE = f"""
    SELECT scope, signal_type, decision, reason, recorded_at, expires_at
      FROM governance_governancesignal
     WHERE scope = ANY (%s) AND {IS_ACTIVE} ORDER BY scope, signal_type"""  # noqa: S608


class HealthUnreadableError(Exception):
    """What a health provider raises to say why nobody can tell the health of some scopes."""

    def __init__(self, troubles: Sequence[HealthTrouble]) -> None:
        super().__init__(in_words(troubles))
        self.troubles = tuple(troubles)


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
    """Read health as `read_health` does; None if nobody can tell."""
    reading = read_health(scopes=scopes, at=at)
    return reading if isinstance(reading, HealthReading) else None


def read_health(
    *, scopes: Collection[str], at: datetime | None = None
) -> HealthReading | UnknownHealth:
    """Read health from the configured provider, or say why it failed, was late or left out a scope.

    Args:
        at: the time of the operation; by default PostgreSQL's present time.

    Raises:
        OperationalError: our own database did not answer. Then the caller must report the database
            as unavailable or busy, and not the health as unknown.
        InterfaceError: likewise.
    """
    make_provider = import_string(settings.GOVSITE["HEALTH_PROVIDER"])
    at = at or database_now()
    try:
        return _ask_provider(make_provider, scopes, at)
    except (OperationalError, InterfaceError):
        raise
    except HealthUnreadableError as error:
        logger.warning("Health is unknown: %s", error)
        return _recorded(UnknownHealth(at, error.troubles))
    except Exception as error:  # whatever else a provider raises, the health is unknown
        logger.warning("The health provider gave no reading.", exc_info=True)
        reason = f"The health provider failed: {type(error).__name__}."
        return _recorded(UnknownHealth(at, (HealthTrouble("", reason),)))


def _recorded(unknown: UnknownHealth) -> UnknownHealth:
    """Record that health could not be read, also if that refuses what is open now."""
    keep_after_rollback(lambda: record_failures(unknown))
    return unknown


def _ask_provider(
    make_provider: Callable[[], HealthProvider], scopes: Collection[str], at: datetime
) -> HealthReading:
    """Return what the provider answers.

    Raises:
        HealthUnreadableError: the provider was late or left out a scope, or it raised this.
        Exception: whatever else the provider raised.
    """
    timeout_seconds = settings.GOVSITE["HEALTH_TIMEOUT_SECONDS"]
    began = time.monotonic()
    reading = make_provider().capture(scopes=scopes, at=at, timeout_seconds=timeout_seconds)
    if unread := {*scopes} - {SYSTEM_SCOPE} - set(reading.capabilities):
        raise HealthUnreadableError(
            [HealthTrouble(one, "The health provider left it out.") for one in sorted(unread)]
        )
    if time.monotonic() - began > timeout_seconds:
        reason = f"The health provider took longer than {timeout_seconds} seconds."
        raise HealthUnreadableError([HealthTrouble("", reason)])
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
