"""A capability's page: how it stands now, and every change that ever touched it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from governance.admin.places import contract_url
from governance.admin.wording import change_in_words, pretty_json, span, value_in_words
from governance.contract.touching import Place, Touching, touching_page
from governance.health.readings import capture_health_snapshot
from governance.models import Capability, ConfigurationEntry, GovernanceSignal, SystemContract
from governance.vocabulary.values import ContractStatus, HealthDecision, Lifecycle

MOST_ENTRIES = 100
MOST_SIGNALS = 50
LONGEST_VALUE = 80
SEES: Mapping[str, str] = {
    "contracts": "governance.view_systemcontract",
    "jobs": "governance.view_governancejob",
    "signals": "governance.view_governancesignal",
    "configuration": "governance.view_configurationentry",
}

# How a contract's changes are spoken of, by where it stands.
TENSES: Mapping[str, str] = {
    ContractStatus.DRAFT: "would",
    ContractStatus.VALIDATED: "would",
    ContractStatus.ELIGIBLE: "would",
    ContractStatus.APPROVED: "will, once it is activated",
    ContractStatus.ACTIVE: "is being carried out, or judged",
    ContractStatus.COMPLETED: "done, and verified",
    ContractStatus.FAILED: "was to, and failed",
    ContractStatus.REJECTED: "would have",
    ContractStatus.EXPIRED: "would have",
}


@dataclass(frozen=True, slots=True)
class EntryRow:
    """A configuration entry; a value that is long is told by its size and folded away."""

    key: str
    url: str
    short: str
    full: str


@dataclass(frozen=True, slots=True)
class SignalLine:
    signal: GovernanceSignal
    age: str


@dataclass(frozen=True, slots=True)
class TouchRow:
    """A contract that touched the capability: what of it, and what became of it."""

    contract: SystemContract
    url: str
    tense: str
    changes: Sequence[str]
    more: int
    job_url: str


def capability_context(
    capability: Capability, request: HttpRequest, *, at: datetime
) -> dict[str, Any]:
    """Everything that the page shows this person; a fixed number of queries.

    Raises ValueError for a place that no page gave out.
    """
    sees = {what: request.user.has_perm(needed) for what, needed in SEES.items()}
    older, newer = read_places(request)
    page = None
    if sees["contracts"]:
        page = touching_page(capability.name, older_than=older, newer_than=newer)
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
        "signals": signal_lines(capability.name, at) if sees["signals"] else [],
        "entries": entries[:MOST_ENTRIES],
        "more_entries": len(entries) > MOST_ENTRIES,
        "entries_url": _list("configurationentry", q=capability.name),
        "touching": [_touch_row(contract) for contract in page.rows] if page else [],
        "contracts_url": _list("systemcontract", capability=capability.name),
        "stages_json": pretty_json(capability.stages) if capability.stages else "",
        **_beyond(page),
    }


def read_places(request: HttpRequest) -> tuple[Place | None, Place | None]:
    """`older` and `newer` than which place is asked for; ValueError where that cannot be."""
    older, newer = (
        Place.read(request.GET[name]) if name in request.GET else None
        for name in ("older", "newer")
    )
    if older and newer:
        raise ValueError
    return older, newer


def entry_rows(scope: str) -> list[EntryRow]:
    """The configuration of a scope, up to one more than is shown; one query."""
    entries = ConfigurationEntry.objects.filter(scope=scope).order_by("key")
    rows = []
    for entry in entries[: MOST_ENTRIES + 1]:
        words = value_in_words(entry.value)
        is_long = len(words) > LONGEST_VALUE
        rows.append(
            EntryRow(
                key=entry.key,
                url=reverse("admin:governance_configurationentry_change", args=[entry.pk]),
                short=f"{len(words)} characters" if is_long else words,
                full=pretty_json(entry.value) if is_long else "",
            )
        )
    return rows


def signal_lines(scope: str, at: datetime) -> list[SignalLine]:
    """What monitors say of the scope now; one query."""
    signals = GovernanceSignal.objects.filter(scope=scope, superseded_at=None)
    active = signals.select_related("recorded_by").order_by("signal_type")[:MOST_SIGNALS]
    return [SignalLine(signal, span(at - signal.recorded_at)) for signal in active]


def _touch_row(contract: Any) -> TouchRow:
    job = getattr(contract, "job", None)
    return TouchRow(
        contract=contract,
        url=contract_url(contract),
        tense=TENSES[contract.status],
        changes=[change_in_words(change) for change in contract.own_changes],
        more=contract.own_total - len(contract.own_changes),
        job_url=reverse("admin:governance_governancejob_change", args=[job.pk]) if job else "",
    )


def _beyond(page: Touching | None) -> dict[str, str]:
    """The addresses of the newer and the older page; empty where there is none."""
    rows = page.rows if page else []
    newer = f"?{urlencode({'newer': str(Place.of(rows[0]))})}" if rows else "?"
    older = f"?{urlencode({'older': str(Place.of(rows[-1]))})}" if rows else "?"
    return {
        "newer_url": newer if page and page.has_newer else "",
        "older_url": older if page and page.has_older else "",
    }


def _list(model: str, **asked: str) -> str:
    return f"{reverse(f'admin:governance_{model}_changelist')}?{urlencode(asked)}"
