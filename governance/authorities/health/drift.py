"""Drift: a signal for each scope whose platform does not hold what the registry has recorded.

It reads and writes signals of the type `drift`. A scope that drifts is DEGRADED until it is seen to
agree again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from governance.authorities.health.observed_states import NOT_READ
from governance.authorities.health.signals import active_signals, record_signal
from governance.domain.observations import DriftingValue
from governance.domain.texts import cut_text
from governance.domain.values import HealthDecision
from governance.models import Account

DRIFT = "drift"
AGREES = "The platform holds what the registry has recorded."
MAX_REASON_LENGTH = 2000


def record_drift(scopes: Mapping[str, Collection[DriftingValue]], *, actor: Account) -> None:
    """Record a signal for each scope whose drift is another one than that of its last signal.

    A scope without differences agrees, and gets a signal only if its last one says otherwise.
    """
    known = {
        signal.scope: signal
        for signal in active_signals().filter(signal_type=DRIFT, scope__in=list(scopes))
    }
    for scope, differences in sorted(scopes.items()):
        decision, reason = HealthDecision.HEALTHY, AGREES
        if differences:
            decision, reason = HealthDecision.DEGRADED, drift_in_words(differences)
        last = known.get(scope)
        before = (last.decision, last.reason) if last else (HealthDecision.HEALTHY, AGREES)
        if before != (decision, reason):
            record_signal(
                scope=scope, signal_type=DRIFT, decision=decision, reason=reason, actor=actor
            )


def end_drift(scopes: Collection[str], *, actor: Account) -> None:
    """End the drift of scopes that no observer reads any more."""
    drifting = active_signals().filter(signal_type=DRIFT, scope__in=scopes)
    for signal in drifting.exclude(decision=HealthDecision.HEALTHY):
        record_signal(
            scope=signal.scope,
            signal_type=DRIFT,
            decision=HealthDecision.HEALTHY,
            reason=NOT_READ,
            actor=actor,
        )


def drift_in_words(differences: Collection[DriftingValue]) -> str:
    """Return the differences of a scope as one sentence."""
    words = "; ".join(one.in_words() for one in differences)
    return cut_text(f"{words[:1].upper()}{words[1:]}.", MAX_REASON_LENGTH)
