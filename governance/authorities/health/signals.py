"""Health signals: the only writer of `GovernanceSignal`."""

from __future__ import annotations

from django.conf import settings
from django.db import connection

from governance.db.clock import database_now
from governance.db.transactions import retried, write_transaction
from governance.domain.canonical import require_plain_json
from governance.domain.errors import InvalidInputError
from governance.domain.values import HealthDecision
from governance.models import Account, GovernanceSignal


@retried
def record_signal(
    *,
    scope: str,
    signal_type: str,
    decision: HealthDecision,
    reason: str,
    actor: Account,
) -> GovernanceSignal:
    """Record a signal about a scope; it supersedes the scope's last signal of the same type.

    Concurrent signals of one scope and type wait for each other; none is refused.

    Raises:
        InvalidInputError: the scope, type or reason is empty or too long.
    """
    for name, value, max_length in (
        ("scope", scope, 200),
        ("signal_type", signal_type, 100),
        ("reason", reason, 4000),
    ):
        require_plain_json(value, name)
        if not 1 <= len(value.strip()) <= max_length:
            raise InvalidInputError.at(name, f"must have 1 to {max_length} characters")
    with write_transaction():
        _wait_for_turn(scope.strip(), signal_type.strip())
        at = database_now()
        GovernanceSignal.objects.filter(
            scope=scope.strip(), signal_type=signal_type.strip(), superseded_at=None
        ).update(superseded_at=at)
        return GovernanceSignal.objects.create(
            scope=scope.strip(),
            signal_type=signal_type.strip(),
            decision=decision,
            reason=reason.strip(),
            recorded_by=actor,
            recorded_at=at,
        )


def _wait_for_turn(scope: str, signal_type: str) -> None:
    """Lock a scope and type until the transaction ends; the first signal has no row to lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"{settings.GOVSITE_SCHEMA} governance signal {len(scope)} {scope} {signal_type}"],
        )
