"""What is true of the platform now, as values."""

from __future__ import annotations

from collections.abc import Iterable

from governance.models import Capability, ConfigurationEntry
from governance.vocabulary.changes import Change
from governance.vocabulary.values import Lifecycle, PlatformState


def state_behind(changes: Iterable[Change]) -> PlatformState:
    """The lifecycles and configuration that `changes` touch; two queries."""
    targets = {change.target for change in changes}
    return PlatformState(
        lifecycles={
            name: Lifecycle(lifecycle)
            for name, lifecycle in Capability.objects.filter(name__in=targets).values_list(
                "name", "lifecycle"
            )
        },
        configuration={
            (scope, key): value
            for scope, key, value in ConfigurationEntry.objects.filter(
                scope__in=targets
            ).values_list("scope", "key", "value")
        },
    )


def standing_of(names: Iterable[str]) -> dict[str, tuple[Lifecycle, bool]]:
    """The lifecycle of each of `names` that is on record, and whether it is frozen; one query."""
    known = Capability.objects.filter(name__in=list(names))
    return {
        name: (Lifecycle(lifecycle), frozen)
        for name, lifecycle, frozen in known.values_list("name", "lifecycle", "frozen")
    }


def frozen_among(names: Iterable[str]) -> list[str]:
    """Those of `names` that are frozen: nobody may change them."""
    return list(
        Capability.objects.filter(name__in=list(names), frozen=True).values_list("name", flat=True)
    )
