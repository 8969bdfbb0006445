"""Health signals: the only writer of `GovernanceSignal`."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import QuerySet

from governance.db.clock import database_now
from governance.db.transactions import retried, wait_for_turn, write_transaction
from governance.domain.errors import InvalidInputError
from governance.domain.health import parse_decision
from governance.domain.names import require_name
from governance.domain.texts import require_text
from governance.models import Account, GovernanceSignal
from governance.services.registry.guards import refuse_like_registered

# The condition of signals that count. The end of a signal is the first moment at which it no longer
# does, and PostgreSQL's clock decides.
IS_ACTIVE = "superseded_at IS NULL AND (expires_at IS NULL OR expires_at > governance_now())"


def active_signals() -> QuerySet[GovernanceSignal]:
    """Return the signals that count now."""
    return GovernanceSignal.objects.extra(where=[IS_ACTIVE])  # noqa: S610 - a constant


@retried
def record_signal(
    *,
    scope: str,
    signal_type: str,
    decision: str,
    reason: str,
    actor: Account,
    expires_at: datetime | None = None,
    expires_in: timedelta | None = None,
) -> GovernanceSignal:
    """Record a signal about a scope; it supersedes the scope's last signal of the same type.

    Concurrent signals of one scope and type wait for each other; none is refused.

    Args:
        decision: a decision, or a monitor's word for one (`domain/health.py`).
        expires_at: when the signal no longer counts; it never expires without this.
        expires_in: the same, from the time at which the signal is recorded.

    Raises:
        InvalidInputError: the scope, the type, the decision, the reason or the end is invalid, or
            the scope only looks like a registered capability.
    """
    decision = parse_decision(decision)
    require_name(scope, "scope")
    require_name(signal_type, "signal_type", max_length=100)
    reason = require_text(reason, "reason")
    refuse_like_registered([("scope", scope)])
    with write_transaction():
        # The first signal has no row that could be locked.
        wait_for_turn(f"signal {len(scope)} {scope} {signal_type}")
        at = database_now()
        if expires_in is not None:
            expires_at = at + expires_in
        if expires_at is not None and expires_at <= at:
            raise InvalidInputError.at("expires_at", "must be later than now")
        GovernanceSignal.objects.filter(
            scope=scope, signal_type=signal_type, superseded_at=None
        ).update(superseded_at=at)
        return GovernanceSignal.objects.create(
            scope=scope,
            signal_type=signal_type,
            decision=decision,
            reason=reason,
            recorded_by=actor,
            recorded_at=at,
            expires_at=expires_at,
        )
