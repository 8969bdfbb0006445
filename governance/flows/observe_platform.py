"""The flow that observes the platform: what targets really hold, against what is recorded.

A scope is compared only if nothing changed it meanwhile: while a job runs on it, the platform and
the registry may differ for a moment.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from governance.authorities.health.drift import end_drift, record_drift
from governance.authorities.health.observed_states import (
    REGISTRY_OBSERVER,
    forget_observed_states,
    replace_observed_states,
    scopes_with_state,
)
from governance.authorities.health.observers.observe_scopes import observe_scopes
from governance.authorities.health.observers.routed_observers import RoutedObservers
from governance.authorities.orchestrator.queries import running_scope
from governance.db.clock import database_now
from governance.domain.errors import InvalidInputError
from governance.domain.observations import DriftingValue, ObservedScope, differences_between
from governance.domain.values import SYSTEM_SCOPE
from governance.flows.check_routes import registered_scopes
from governance.flows.site_observers import site_observers
from governance.models import Account
from governance.services.registry.queries import recorded_states, unknown_capabilities

# No job waits for this, so observers have more time than before and after a job.
MAX_SCOPES_AT_ONCE = 100
SECONDS = 30.0


class Agreement(StrEnum):
    """How the platform and the registry compare in a scope.

    CHANGING: a job ran on it, or the registry changed, while it was observed. UNOBSERVED: nobody
    can tell what the platform holds.
    """

    AGREES = "AGREES"
    DRIFTS = "DRIFTS"
    CHANGING = "CHANGING"
    UNOBSERVED = "UNOBSERVED"


@dataclass(frozen=True, slots=True)
class ComparedScope:
    """A scope as it was observed, and where it differs from the registry."""

    scope: str
    agreement: Agreement
    observed: list[ObservedScope] = field(default_factory=list)
    differences: list[DriftingValue] = field(default_factory=list)


def scopes_outside(names: Sequence[str] = ()) -> list[str]:
    """Return the scopes to compare: these, or all whose platform is outside of the registry.

    Raises:
        InvalidInputError: a name is not registered, or the routes cannot be used.
    """
    for name in unknown_capabilities(names):
        raise InvalidInputError.at("scope", f"{name} is not registered")
    if names:
        return list(dict.fromkeys(names))
    observers = site_observers()
    return [scope for scope in registered_scopes() if _outside(observers, scope)]


def observe_platform(scopes: Sequence[str], *, actor: Account) -> Iterator[ComparedScope]:
    """Observe scopes, compare them with the registry, and record signals of drift.

    What was observed of a scope that no observer reads any more counts no longer.

    Raises:
        InvalidInputError: the routes cannot be used.
    """
    observers = site_observers()
    unread = [scope for scope in scopes_with_state() if not _outside(observers, scope)]
    if unread:
        forget_observed_states(unread, at=database_now())
        end_drift(unread, actor=actor)
    for start in range(0, len(scopes), MAX_SCOPES_AT_ONCE):
        compared = _compare(scopes[start : start + MAX_SCOPES_AT_ONCE], observers)
        record_drift(
            {
                one.scope: one.differences
                for one in compared
                if one.agreement in (Agreement.AGREES, Agreement.DRIFTS)
            },
            actor=actor,
        )
        yield from compared


def _compare(scopes: Sequence[str], observers: RoutedObservers) -> list[ComparedScope]:
    before, busy = recorded_states(scopes), running_scope()
    observed = observe_scopes(observers, scopes, now=database_now(), seconds=SECONDS)
    replace_observed_states(observed)
    busy |= running_scope()
    after = recorded_states(scopes)
    compared = []
    for scope in scopes:
        seen = [one for one in observed if one.scope == scope]
        differences = [
            difference
            for one in seen
            if one.state is not None
            for difference in differences_between(after[scope], one.state)
        ]
        if _is_busy(scope, busy) or before[scope] != after[scope]:
            compared.append(ComparedScope(scope, Agreement.CHANGING, seen))
        elif differences:
            compared.append(ComparedScope(scope, Agreement.DRIFTS, seen, differences))
        elif not seen or any(one.state is None for one in seen):
            compared.append(ComparedScope(scope, Agreement.UNOBSERVED, seen))
        else:
            compared.append(ComparedScope(scope, Agreement.AGREES, seen))
    return compared


def _is_busy(scope: str, busy: Collection[str]) -> bool:
    """Return whether a job runs on a scope; SYSTEM overlaps all."""
    return bool(busy) and (scope == SYSTEM_SCOPE or not {scope, SYSTEM_SCOPE}.isdisjoint(busy))


def _outside(observers: RoutedObservers, scope: str) -> bool:
    return any(name != REGISTRY_OBSERVER for name, _ in observers.observers_of(scope))
