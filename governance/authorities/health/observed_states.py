"""Observed states: the only writer of `ObservedState`, the newest observation of each scope."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from governance.domain.observations import ObservedScope
from governance.models import ObservedState

# The platform of this observer is the registry itself, which needs no copy.
REGISTRY_OBSERVER = "registry"
NOT_READ = "No observer reads this scope any more."


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


def scopes_with_state() -> list[str]:
    """Return the scopes whose observed state is known, by name; one query."""
    known = ObservedState.objects.filter(state__isnull=False).order_by("scope")
    return list(known.values_list("scope", flat=True))


def forget_observed_states(scopes: Collection[str], *, at: datetime) -> None:
    """Let the observed states of scopes count no longer, because no observer reads them now."""
    known = ObservedState.objects.filter(scope__in=scopes, state__isnull=False)
    known.update(state=None, trouble=NOT_READ, observed_at=at)
