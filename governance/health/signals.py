"""Take a signal in: the only writer of `GovernanceSignal`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from governance.ledger.story import retried, story
from governance.models import GovernanceSignal
from governance.vocabulary.canonical import require_plain_json
from governance.vocabulary.errors import InvalidInputError
from governance.vocabulary.values import HealthDecision


@retried
def record_signal(
    *,
    scope: str,
    signal_type: str,
    decision: HealthDecision,
    reason: str,
    actor: Any,
    at: datetime,
) -> GovernanceSignal:
    """Record what a monitor says of a scope; it supersedes the last of the same type there."""
    for name, value, longest in (
        ("scope", scope, 200),
        ("signal_type", signal_type, 100),
        ("reason", reason, 4000),
    ):
        require_plain_json(value, name)
        if not 1 <= len(value.strip()) <= longest:
            raise InvalidInputError.at(name, f"must have 1 to {longest} characters")
    with story():
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
