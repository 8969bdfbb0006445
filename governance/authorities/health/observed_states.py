"""Observed states: the only writer of `ObservedState`, the newest observation of each scope."""

from __future__ import annotations

from collections.abc import Iterable

from governance.domain.observations import ObservedScope
from governance.models import ObservedState

# The platform of this observer is the registry itself, which needs no copy.
REGISTRY_OBSERVER = "registry"


def replace_observed_states(observed: Iterable[ObservedScope]) -> None:
    """Replace the observed states of these scopes, unless a newer one is known; two statements."""
    outside = {one.scope: one for one in observed if one.observer != REGISTRY_OBSERVER}
    if not outside:
        return
    known = dict(
        ObservedState.objects.filter(scope__in=outside).values_list("scope", "observed_at")
    )
    newest = {
        scope: one
        for scope, one in outside.items()
        if scope not in known or known[scope] <= one.observed_at
    }
    # In one order, so that two of these statements never wait for each other.
    ObservedState.objects.bulk_create(
        [
            ObservedState(
                scope=one.scope,
                observer=one.observer,
                state=one.state,
                trouble=one.trouble,
                observed_at=one.observed_at,
            )
            for _, one in sorted(newest.items())
        ],
        update_conflicts=True,
        unique_fields=["scope"],
        update_fields=["observer", "state", "trouble", "observed_at"],
    )
