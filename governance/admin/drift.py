"""Drift in the admin: the page of all values that drift, and what pages show beside a value."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Max, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from governance.admin.links import scope_link
from governance.admin.readonly import ReadOnlyAdmin, folded_json
from governance.db.counting import capped_counts
from governance.domain.canonical import canonical_bytes
from governance.models import ObservedState, PlatformValue, RegistryValue
from governance.services.registry.secret_keys import visible_value

DRIFT = "admin:governance_capability_drift"
VIEW_CONFIGURATION = "governance.view_configurationentry"
MAX_VALUES = 200
MAX_UNOBSERVED = 50
NO_VALUE = "no value"


def drift_view(model_admin: ReadOnlyAdmin, request: HttpRequest) -> HttpResponse:
    """Show the values that drift, by scope, and the scopes that could not be observed."""
    if not request.user.has_perm(VIEW_CONFIGURATION):
        raise PermissionDenied
    drifting = drifting_values()
    rows = list(drifting[:MAX_VALUES])
    number = capped_counts({"drift": drifting})["drift"]
    newest = ObservedState.objects.filter(state__isnull=False).aggregate(at=Max("observed_at"))
    context = model_admin.page_context(
        request,
        title="Drift",
        scopes=_scope_rows(rows),
        number=number,
        shown=len(rows),
        is_cut=number.number > len(rows),
        newest=newest["at"],
        unobserved=_unobserved_rows(),
    )
    return render(request, "admin/governance/drift.html", context)


def drifting_values() -> QuerySet[PlatformValue]:
    """Return the values that drift, by name."""
    return PlatformValue.objects.drifting().order_by("scope", "key")


def observed_part(value: RegistryValue | None) -> dict[str, Any] | None:
    """Return what was observed of a recorded value; None if nothing was since it was recorded."""
    if value is None or value.observed_at is None:
        return None
    return {
        "at": value.observed_at,
        "drifts": canonical_bytes(value.value) != canonical_bytes(value.observed_value),
        "value": _shown(value.key, value.observed_value),
    }


def unrecorded_rows(scope: str, *, most: int) -> list[dict[str, Any]]:
    """Return the settings of a scope that were observed and are not recorded; one query."""
    found = PlatformValue.objects.filter(scope=scope, origin_id=None).order_by("key")
    return [
        {
            "key": one.key,
            "observed": {
                "at": one.observed_at,
                "drifts": True,
                "value": _shown(one.key, one.observed),
            },
        }
        for one in found[:most]
    ]


def _scope_rows(values: Iterable[PlatformValue]) -> list[dict[str, Any]]:
    return [
        {
            "link": scope_link(scope),
            "at": found[0].observed_at,
            "values": [
                {
                    "key": one.key,
                    "recorded": _shown(one.key, one.recorded),
                    "observed": _shown(one.key, one.observed),
                }
                for one in found
            ],
        }
        for scope, group in groupby(values, key=lambda one: one.scope)
        if (found := list(group))
    ]


def _unobserved_rows() -> list[dict[str, Any]]:
    unobserved = ObservedState.objects.filter(state__isnull=True).order_by("scope")
    return [
        {
            "link": scope_link(one.scope),
            "observer": one.observer,
            "at": one.observed_at,
            "trouble": one.trouble,
        }
        for one in unobserved[:MAX_UNOBSERVED]
    ]


def _shown(key: str, value: Any) -> Any:
    """Return a value as HTML; a key without one has no value."""
    return NO_VALUE if value is None else folded_json(visible_value(key, value))
