"""The template variables of a capability's page: its state now, and every contract about it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from governance.admin.drift import observed_part, unrecorded_rows
from governance.admin.links import list_url
from governance.admin.readonly import folded_json
from governance.admin.wording import change_in_words, format_duration, pretty_json
from governance.authorities.contract.capability_history import (
    ContractCursor,
    HistoryPage,
    capability_history_page,
)
from governance.authorities.health.failures import recent_health_failures
from governance.authorities.health.readings import read_health
from governance.authorities.health.signals import active_signals
from governance.domain.health import UnknownHealth, contradicts_health
from governance.domain.values import SYSTEM_SCOPE, ContractStatus, HealthReading
from governance.models import Capability, ConfigurationEntry, HealthFailure, RegistryValue
from governance.services.registry.queries import keys_like, names_like, registry_values_of
from governance.services.registry.secret_keys import visible_value

MAX_ENTRIES = 100
MAX_SIGNALS = 50
MAX_FAILURES = 5
SEES: Mapping[str, str] = {
    "contracts": "governance.view_systemcontract",
    "jobs": "governance.view_governancejob",
    "signals": "governance.view_governancesignal",
    "configuration": "governance.view_configurationentry",
}

# The heading of a contract's changes, by its status.
TENSES: Mapping[str, str] = {
    ContractStatus.DRAFT: "proposed",
    ContractStatus.VALIDATED: "proposed",
    ContractStatus.ELIGIBLE: "proposed",
    ContractStatus.APPROVED: "approved, not activated yet",
    ContractStatus.ACTIVE: "in progress, or awaiting a verdict",
    ContractStatus.COMPLETED: "made and verified",
    ContractStatus.FAILED: "approved, but failed",
    ContractStatus.REJECTED: "not made, because the contract was rejected",
    ContractStatus.EXPIRED: "not made, because the contract expired",
}


def capability_context(
    capability: Capability, request: HttpRequest, *, at: datetime
) -> dict[str, Any]:
    """Return what the page shows to this person; a constant number of queries.

    Raises:
        ValueError: a cursor in the address is invalid.
    """
    sees = {what: request.user.has_perm(needed) for what, needed in SEES.items()}
    older, newer = read_cursors(request)
    history: dict[str, Any] = {"history": []}
    if sees["contracts"]:
        page = capability_history_page(capability.name, older_than=older, newer_than=newer)
        history = _history(page)
    reading = read_health(scopes=[capability.name], at=at)
    unknown = reading if isinstance(reading, UnknownHealth) else None
    known = reading if isinstance(reading, HealthReading) else None
    health = known.capabilities[capability.name] if known else None
    origins = {one.key: one for one in registry_values_of(capability.name)}
    entries = entry_rows(capability.name, origins) if sees["configuration"] else []
    is_observed = any(one.observed_at for one in origins.values())
    unrecorded = (
        unrecorded_rows(capability.name, most=MAX_ENTRIES)
        if is_observed and sees["configuration"]
        else []
    )
    return {
        "capability": capability,
        "similar": names_like([capability.name]).get(capability.name),
        "sees": sees,
        "lifecycle_origin": origins.get(""),
        "lifecycle_observed": observed_part(origins.get("")),
        "edit_url": edit_url(capability) if may_edit(request) else "",
        "reading": known,
        "troubles": unknown.troubles if unknown else (),
        "failures": failures_of(capability.name) if sees["signals"] else [],
        "health": health,
        "is_incoherent": contradicts_health(capability.lifecycle, health),
        "signals": active_signal_rows(capability.name, at) if sees["signals"] else [],
        "entries": entries[:MAX_ENTRIES],
        "more_entries": len(entries) > MAX_ENTRIES,
        "unrecorded": unrecorded,
        "entries_url": list_url(
            "admin:governance_configurationentry_changelist", q=capability.name
        ),
        "contracts_url": list_url(
            "admin:governance_systemcontract_changelist", capability=capability.name
        ),
        "stages_json": pretty_json(capability.stages) if capability.stages else "",
        **history,
    }


def read_cursors(request: HttpRequest) -> tuple[ContractCursor | None, ContractCursor | None]:
    """Return the cursors `older` and `newer` of the address.

    Raises:
        ValueError: a cursor is invalid, or both are given.
    """
    older, newer = (
        ContractCursor.read(request.GET[name]) if name in request.GET else None
        for name in ("older", "newer")
    )
    if older and newer:
        raise ValueError
    return older, newer


def may_edit(request: HttpRequest) -> bool:
    """Return whether a person may edit the title and the owner of a capability."""
    return request.user.has_perm("governance.import_contract")


def edit_url(capability: Capability) -> str:
    return reverse("admin:governance_capability_edit", args=[capability.pk])


def entry_rows(scope: str, origins: Mapping[str, RegistryValue]) -> list[dict[str, Any]]:
    """Return the configuration of a scope, at most one entry more than is shown; two queries."""
    entries = ConfigurationEntry.objects.filter(scope=scope).order_by("key")
    shown = list(entries[: MAX_ENTRIES + 1])
    similar = keys_like(scope, [entry.key for entry in shown])
    return [
        {
            "entry": entry,
            "value": folded_json(visible_value(entry.key, entry.value)),
            "similar": similar.get(entry.key),
            "origin": origins.get(entry.key),
            "observed": observed_part(origins.get(entry.key)),
        }
        for entry in shown
    ]


def active_signal_rows(scope: str, at: datetime) -> list[dict[str, Any]]:
    """Return the active health signals of the scope; one query."""
    signals = active_signals().filter(scope=scope).select_related("recorded_by")
    active = signals.order_by("signal_type")[:MAX_SIGNALS]
    return [
        {"signal": signal, "age": format_duration(at - signal.recorded_at)} for signal in active
    ]


def failures_of(scope: str) -> list[HealthFailure]:
    """Return the newest failed readings of the scope or of the system; one query."""
    return list(recent_health_failures([SYSTEM_SCOPE, scope])[:MAX_FAILURES])


def _change_row(contract: Any) -> dict[str, Any]:
    """Return a contract with the first of its changes to the capability, and how many follow."""
    return {
        "contract": contract,
        "job": getattr(contract, "job", None),
        "tense": TENSES[contract.status],
        "changes": [change_in_words(change) for change in contract.own_changes],
        "more": contract.own_total - len(contract.own_changes),
    }


def _history(page: HistoryPage) -> dict[str, Any]:
    """Return the page's rows, and the addresses of the newer and the older page, if there are."""
    rows = page.rows
    newer = urlencode({"newer": str(ContractCursor.of(rows[0]))}) if rows else ""
    older = urlencode({"older": str(ContractCursor.of(rows[-1]))}) if rows else ""
    return {
        "history": [_change_row(contract) for contract in rows],
        "newer_url": f"?{newer}" if page.has_newer else "",
        "older_url": f"?{older}" if page.has_older else "",
    }
