"""What a contract's page says, gathered from queries in a number that does not grow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from governance.admin.banner import line_freeze
from governance.admin.forms import CommentForm
from governance.admin.risk import risk_points
from governance.admin.telling import Told
from governance.admin.verdicts import verdicts_in_words
from governance.admin.wording import (
    left_until,
    plural,
    pretty_json,
    source_in_words,
    span,
)
from governance.contract.queries import Said, said_about
from governance.contract.signatures import signing_of
from governance.health.readings import capture_health_snapshot
from governance.models import (
    Capability,
    GovernanceJob,
    LedgerEntry,
    SystemContract,
)
from governance.registry.queries import capabilities_named, state_behind
from governance.review.differences import ChangeRow, change_rows, standing_in
from governance.review.queries import review_standing
from governance.vocabulary.changes import parse_changes
from governance.vocabulary.lifecycles import CONTRACT_TERMINAL_STATES, JOB_TERMINAL_STATES
from governance.vocabulary.values import (
    SYSTEM_SCOPE,
    AuditVerdict,
    ContractStatus,
    HealthReading,
    JobStatus,
)

MOST_SHOWN = 25
MOST_TOLD = 60  # of its ledger; all of it has a page of its own
UNDECIDED = (ContractStatus.DRAFT, ContractStatus.VALIDATED, ContractStatus.ELIGIBLE)
CHANGEABLE = (*UNDECIDED, ContractStatus.APPROVED)


@dataclass(frozen=True, slots=True)
class Folded:
    """A long list: what is shown at once, and the rest, which a reader unfolds."""

    shown: Sequence[Any]
    rest: Sequence[Any]

    @classmethod
    def of(cls, items: Sequence[Any], most: int = MOST_SHOWN) -> Folded:
        return cls(items[:most], items[most:])


@dataclass(frozen=True, slots=True)
class CapabilityRow:
    name: str
    url: str
    lifecycle: str
    frozen: bool
    health: str


def contract_context(
    request: HttpRequest,
    contract: SystemContract,
    *,
    at: datetime,
    health: HealthReading | None = None,
) -> dict[str, Any]:
    """Everything that the contract's page, and the pages of its decisions, show.

    `health` is given by who has read it already.
    """
    changes = parse_changes(contract.proposed_changes)
    known = capabilities_named(
        [*contract.affected_capabilities, *(change.target for change in changes)]
    )
    health = health or health_around(contract, at)
    signing = signing_of(contract, at=at)
    capabilities = capability_rows(contract, known, health)
    rows = change_rows(
        changes,
        plan=contract.plan,
        now=standing_in(state_behind(changes, known)),
        decided=contract.status not in CHANGEABLE,
    )
    job = getattr(contract, "job", None)
    said = said_about(contract)
    return {
        "contract": contract,
        "next_move": next_move(contract, job, at),
        "summary": in_short(contract, rows),
        "standing": review_standing(
            contract=contract,
            person=request.user,
            health=health,
            frozen=[row.name for row in capabilities if row.frozen],
            freeze=line_freeze(request),
            signing=signing,
            at=at,
        ),
        "signing": signing,
        "changes": Folded.of(rows),
        "conflicts": sum(row.conflict for row in rows),
        "changes_json": pretty_json(contract.proposed_changes),
        "capabilities": Folded.of(capabilities),
        "health": health,
        "source": source_in_words(contract.source),
        "age": span(at - contract.created_at),
        "risk_points": risk_points(
            capabilities=contract.affected_capabilities,
            rows=rows,
            validator=contract.validator_verdict,
            health=health,
        ),
        **verdicts_in_words(contract),
        "job": job,
        "history": Folded.of(history_of(contract), most=MOST_TOLD),
        "replaces": contract.parent,
        "replaced_by": getattr(contract, "successor", None),
        "open_question": open_among(said, contract),
        "conversation": Folded.of(said, most=60),
        "comment_form": CommentForm(auto_id="comment_%s"),
    }


def in_short(contract: SystemContract, rows: Sequence[ChangeRow]) -> str:
    back = sum(row.has_rollback for row in rows)
    if back == len(rows):
        way_back = "all with a way back"
    else:
        way_back = f"{back} of {len(rows)} with a way back"
    targets = plural(len(contract.affected_capabilities), "capability", "capabilities")
    return f"{plural(len(rows), 'change')} to {targets}, {way_back}"


def health_around(contract: SystemContract, at: datetime) -> HealthReading | None:
    """How the platform is now; not asked, and None, once the contract has ended."""
    if contract.status in CONTRACT_TERMINAL_STATES:
        return None
    return capture_health_snapshot(scopes=contract.affected_capabilities, at=at)


def capability_rows(
    contract: SystemContract, known: Mapping[str, Capability], health: HealthReading | None
) -> list[CapabilityRow]:
    rows = []
    for name in contract.affected_capabilities:
        capability = known.get(name)
        url = (
            reverse("admin:governance_capability_change", args=[capability.pk])
            if capability
            else ""
        )
        rows.append(
            CapabilityRow(
                name=name,
                url=url,
                lifecycle=str(capability.lifecycle) if capability else "",
                frozen=bool(capability and capability.frozen),
                health=_health_of(name, health),
            )
        )
    return rows


def next_move(contract: SystemContract, job: GovernanceJob | None, at: datetime) -> str:
    """Who must act now, in one sentence."""
    match contract.status:
        case ContractStatus.DRAFT | ContractStatus.VALIDATED:
            return "Waits for its verdicts; nobody can approve it yet."
        case ContractStatus.ELIGIBLE:
            if contract.review_ends_at is None:
                return "Waits for an answer to a founder's question; the clock stands."
            return f"Waits for a founder to decide: {left_until(contract.review_ends_at, at)}."
        case ContractStatus.APPROVED:
            return _window_in_words(contract, at)
        case ContractStatus.ACTIVE if contract.audit_verdict == AuditVerdict.INCONCLUSIVE:
            return "The audit was inconclusive; a person who took no part must settle it."
        case ContractStatus.ACTIVE if job and job.status in JOB_TERMINAL_STATES:
            return "The job has ended; its evidence waits for an auditor's verdict."
        case ContractStatus.ACTIVE if job and job.status == JobStatus.RUNNING:
            return "An executor is carrying it out."
        case ContractStatus.ACTIVE:
            return "Waits for an executor to start the job."
        case ContractStatus.COMPLETED:
            return "Done, and verified from sealed evidence."
        case ContractStatus.FAILED if contract.closed_reason == "window_lapsed":
            return "Its activation window passed unused."
        case ContractStatus.FAILED:
            return "Failed: the audit did not find that what was approved was done."
        case ContractStatus.REJECTED:
            return "Rejected for good."
        case _:
            return "Nobody decided in time; it is closed."


def open_among(said: Sequence[Said], contract: SystemContract) -> Said | None:
    """The question that still waits; after a decision it waits no more, though nobody answered."""
    if contract.status != ContractStatus.ELIGIBLE or contract.review_ends_at is not None:
        return None
    questions = [one for one in said if one.kind == "question"]
    return questions[-1] if questions else None


def history_of(contract: SystemContract) -> list[Told]:
    """How it began, and one more entry than is shown where the ledger goes on."""
    entries = LedgerEntry.objects.filter(contract=contract).order_by("seq")
    return [Told.of(entry) for entry in entries[: MOST_TOLD + 1]]


def _health_of(name: str, health: HealthReading | None) -> str:
    if health is None:
        return ""
    return str(health.system if name == SYSTEM_SCOPE else health.capabilities[name])


def _window_in_words(contract: SystemContract, at: datetime) -> str:
    window = contract.window
    if window is None:
        return "Approved."
    if at < window.opens_at:
        return f"Approved; it can be activated in {span(window.opens_at - at)}."
    if at > window.closes_at:
        return f"Approved, but its window closed {span(at - window.closes_at)} ago, unused."
    return f"Approved; it can be activated now: {left_until(window.closes_at, at)}."
