"""The circuit breakers."""

from __future__ import annotations

from governance.domain.breaker import BreakerState
from governance.models import HandlerBreaker


def open_breakers() -> list[HandlerBreaker]:
    """Return the breakers that are OPEN, by handler; their handlers get no job."""
    return list(HandlerBreaker.objects.filter(state=BreakerState.OPEN))
