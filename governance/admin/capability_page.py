"""The template variables of a capability's page: its state now, and every contract about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from governance.admin.links import contract_url
from governance.admin.wording import change_in_words, format_duration, pretty_json, value_in_words
from governance.authorities.contract.capability_history import (
    ContractCursor,
    HistoryPage,
    capability_history_page,
)
from governance.authorities.health.readings import capture_health_snapshot
from governance.domain.values import (
    ContractStatus,
    HealthDecision,
    Lifecycle,
)
from governance.models import Capability, ConfigurationEntry, GovernanceSignal, SystemContract

MAX_ENTRIES = 100
MAX_SIGNALS = 50
MAX_VALUE_LENGTH = 80
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


@dataclass(frozen=True, slots=True)
class EntryRow:
    """A configuration entry. `short` is the value, or its length if `full` holds a long value."""

    key: str
    url: str
    short: str
    full: str


@dataclass(frozen=True, slots=True)
class ActiveSignalRow:
    signal: GovernanceSignal
    age: str


@dataclass(frozen=True, slots=True)
class CapabilityChangeRow:
    """A contract about the capability, with the first of its changes to the capability.

    `more` is the number of its further changes to the capability.
    """

    contract: SystemContract
    url: str
    tense: str
    changes: Sequence[str]
    more: int
    job_url: str


def capability_context(
    capability: Capability, request: HttpRequest, *, at: datetime
) -> dict[str, Any]:
    """Return what the page shows to this person; a constant number of queries.

    Raises:
        ValueError: a cursor in the address is invalid.
    """
    sees = {what: request.user.has_perm(needed) for what, needed in SEES.items()}
    older, newer = read_cursors(request)
    page = None
    if sees["contracts"]:
        page = capability_history_page(capability.name, older_than=older, newer_than=newer)
    reading = capture_health_snapshot(scopes=[capability.name], at=at)
    health = reading.capabilities[capability.name] if reading else None
    entries = entry_rows(capability.name) if sees["configuration"] else []
    launched = capability.lifecycle == Lifecycle.LAUNCHED
    return {
        "capability": capability,
        "sees": sees,
        "reading": reading,
        "health": health,
        "is_incoherent": launched and health == HealthDecision.BLOCKED,
        "signals": active_signal_rows(capability.name, at) if sees["signals"] else [],
        "entries": entries[:MAX_ENTRIES],
        "more_entries": len(entries) > MAX_ENTRIES,
        "entries_url": _list("configurationentry", q=capability.name),
        "history": [_change_row(contract) for contract in page.rows] if page else [],
        "contracts_url": _list("systemcontract", capability=capability.name),
        "stages_json": pretty_json(capability.stages) if capability.stages else "",
        **_beyond(page),
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


def entry_rows(scope: str) -> list[EntryRow]:
    """Return the configuration of a scope, at most one entry more than is shown; one query."""
    entries = ConfigurationEntry.objects.filter(scope=scope).order_by("key")
    rows = []
    for entry in entries[: MAX_ENTRIES + 1]:
        words = value_in_words(entry.value)
        is_long = len(words) > MAX_VALUE_LENGTH
        rows.append(
            EntryRow(
                key=entry.key,
                url=reverse("admin:governance_configurationentry_change", args=[entry.pk]),
                short=f"{len(words)} characters" if is_long else words,
                full=pretty_json(entry.value) if is_long else "",
            )
        )
    return rows


def active_signal_rows(scope: str, at: datetime) -> list[ActiveSignalRow]:
    """Return the active health signals of the scope; one query."""
    signals = GovernanceSignal.objects.filter(scope=scope, superseded_at=None)
    active = signals.select_related("recorded_by").order_by("signal_type")[:MAX_SIGNALS]
    return [ActiveSignalRow(signal, format_duration(at - signal.recorded_at)) for signal in active]


def _change_row(contract: Any) -> CapabilityChangeRow:
    job = getattr(contract, "job", None)
    return CapabilityChangeRow(
        contract=contract,
        url=contract_url(contract),
        tense=TENSES[contract.status],
        changes=[change_in_words(change) for change in contract.own_changes],
        more=contract.own_total - len(contract.own_changes),
        job_url=reverse("admin:governance_governancejob_change", args=[job.pk]) if job else "",
    )


def _beyond(page: HistoryPage | None) -> dict[str, str]:
    """Return the addresses of the newer and the older page; empty if there is none."""
    rows = page.rows if page else []
    newer = f"?{urlencode({'newer': str(ContractCursor.of(rows[0]))})}" if rows else "?"
    older = f"?{urlencode({'older': str(ContractCursor.of(rows[-1]))})}" if rows else "?"
    return {
        "newer_url": newer if page and page.has_newer else "",
        "older_url": older if page and page.has_older else "",
    }


def _list(model: str, **asked: str) -> str:
    return f"{reverse(f'admin:governance_{model}_changelist')}?{urlencode(asked)}"
