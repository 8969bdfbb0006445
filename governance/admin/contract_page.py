"""The template variables of a contract's page, read in a constant number of queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest

from governance.admin.banner import current_freeze
from governance.admin.entry_wording import LedgerEntryRow, present_names
from governance.admin.forms import CommentForm
from governance.admin.readonly import person_of
from governance.admin.risk import level_point, risk_points
from governance.admin.rollback_card import rollback_context
from governance.admin.verdicts import refusal_of_today, verdicts_in_words
from governance.admin.wording import (
    change_in_words,
    format_duration,
    left_until,
    plural,
    pretty_json,
    source_in_words,
    split_closing,
)
from governance.authorities.contract.queries import (
    DiscussionItem,
    discussion_of,
    inactive_signers_of,
    repetitions_of,
)
from governance.authorities.contract.siblings import MAX_SIBLINGS, open_siblings
from governance.authorities.contract.signatures import signing_progress
from governance.authorities.health.readings import capture_health_snapshot
from governance.authorities.orchestrator.queries import overlapping_job
from governance.authorities.review.differences import ChangeRow, change_rows, values_in
from governance.authorities.review.queries import review_permissions
from governance.domain.changes import parse_changes
from governance.domain.lifecycles import CONTRACT_TERMINAL_STATES, JOB_TERMINAL_STATES
from governance.domain.values import (
    SYSTEM_SCOPE,
    AuditVerdict,
    ContractStatus,
    HealthReading,
    JobRunner,
    JobStatus,
)
from governance.models import Capability, GovernanceJob, LedgerEntry, SystemContract
from governance.services.registry.queries import capabilities_named, names_like, platform_state_of

MAX_SHOWN = 25
MAX_LEDGER_ENTRIES = 60  # the ledger page shows all of them
UNDECIDED = (ContractStatus.DRAFT, ContractStatus.VALIDATED, ContractStatus.ELIGIBLE)
CHANGEABLE = (*UNDECIDED, ContractStatus.APPROVED)


@dataclass(frozen=True, slots=True)
class FoldedList:
    """A long list in two parts: the items shown at once, and the folded rest."""

    shown: Sequence[Any]
    rest: Sequence[Any]

    @classmethod
    def of(cls, items: Sequence[Any], most: int = MAX_SHOWN) -> FoldedList:
        return cls(items[:most], items[most:])


def contract_context(
    request: HttpRequest,
    contract: SystemContract,
    *,
    at: datetime,
    health: HealthReading | None = None,
) -> dict[str, Any]:
    """Return the variables of the contract's page, which the decision forms show too.

    A caller that has read health already passes it as `health`.
    """
    changes = parse_changes(contract.proposed_changes)
    known = capabilities_named(
        [*contract.affected_capabilities, *(change.target for change in changes)]
    )
    health = health or current_health(contract, at)
    signing = signing_progress(contract, at=at)
    capabilities = capability_rows(contract, known, health)
    rows = change_rows(
        changes,
        plan=contract.plan,
        current_value=values_in(platform_state_of({one.target for one in changes}, known)),
        decided=contract.status not in CHANGEABLE,
    )
    job = getattr(contract, "job", None)
    rollback = rollback_context(contract, job)
    conversation = discussion_of(contract)
    siblings = [] if contract.status in CONTRACT_TERMINAL_STATES else open_siblings(contract)
    return {
        "contract": contract,
        "next_step": contract_next_step(contract, job, at),
        # `next_step` already says what the code of the reason means.
        "closing": split_closing(contract.closed_reason)[1],
        "summary": summary_of(contract, rows),
        "permissions": review_permissions(
            contract=contract,
            person=person_of(request),
            health=health,
            frozen=[name for name in contract.affected_capabilities if _is_frozen(known.get(name))],
            freeze=current_freeze(request),
            signing=signing,
            completed_steps=rollback["completed_steps"],
            at=at,
        ),
        **rollback,
        "signing": signing,
        "changes": FoldedList.of(rows),
        "conflicts": sum(row.conflict for row in rows),
        "changes_json": pretty_json(contract.proposed_changes),
        "siblings": [sibling_row(one) for one in siblings[:MAX_SIBLINGS]],
        "more_siblings": len(siblings) > MAX_SIBLINGS,
        "capabilities": FoldedList.of(capabilities),
        "similar": [row for row in capabilities if row["similar"]],
        "health": health,
        "source": source_in_words(contract.source),
        "age": format_duration(at - contract.created_at),
        "risk_points": [
            level_point(contract),
            *risk_points(
                capabilities=contract.affected_capabilities,
                rows=rows,
                validator=contract.validator_verdict,
                health=health,
            ),
        ],
        **verdicts_in_words(contract, at),
        "refused_today": refusal_of_today(contract, known, at),
        "job": job,
        "history": FoldedList.of(history_rows(contract), most=MAX_LEDGER_ENTRIES),
        "replaces": contract.parent,
        "replaced_by": getattr(contract, "successor", None),
        "repetitions": FoldedList.of(list(repetitions_of(contract))),
        "inactive_signers": inactive_signers_of(contract),
        "open_question": find_open_question(conversation, contract),
        "conversation": FoldedList.of(conversation, most=60),
        "comment_form": CommentForm(auto_id="comment_%s"),
    }


def summary_of(contract: SystemContract, rows: Sequence[ChangeRow]) -> str:
    back, conflicts = (sum(row.has_rollback for row in rows), sum(row.conflict for row in rows))
    if conflicts:
        rollback_summary = f"{conflicts} in conflict with the recorded values"
    elif back == len(rows):
        rollback_summary = "with a rollback" if back == 1 else "all with a rollback"
    else:
        rollback_summary = f"{back} of {len(rows)} with a rollback"
    targets = plural(len(contract.affected_capabilities), "capability", "capabilities")
    nothing = sum(row.changes_nothing for row in rows)
    no_change = f", {nothing} of them without effect: nothing changes there" if nothing else ""
    return f"{plural(len(rows), 'change')} to {targets}, {rollback_summary}{no_change}"


def sibling_row(sibling: Any) -> dict[str, Any]:
    """Return a sibling with the first of its changes to the shared capabilities, in words."""
    return {
        "contract": sibling,
        "changes": [change_in_words(change) for change in sibling.own_changes],
        "more": sibling.own_total - len(sibling.own_changes),
    }


def current_health(contract: SystemContract, at: datetime) -> HealthReading | None:
    """Read the platform's health; for a terminal contract return None without reading it."""
    if contract.status in CONTRACT_TERMINAL_STATES:
        return None
    return capture_health_snapshot(scopes=contract.affected_capabilities, at=at)


def capability_rows(
    contract: SystemContract, known: Mapping[str, Capability], health: HealthReading | None
) -> list[dict[str, Any]]:
    """Return the affected capabilities: what the registry has of each, and its health."""
    similar = names_like(contract.affected_capabilities, known)
    return [
        {
            "name": name,
            "capability": known.get(name),
            "health": _health_of(name, health),
            "similar": similar.get(name),
        }
        for name in contract.affected_capabilities
    ]


def contract_next_step(contract: SystemContract, job: GovernanceJob | None, at: datetime) -> str:
    """Return who must act next, or how the contract ended, in one sentence."""
    match contract.status:
        case ContractStatus.DRAFT | ContractStatus.VALIDATED:
            return "Awaiting verdicts; it cannot be approved yet."
        case ContractStatus.ELIGIBLE:
            if contract.review_ends_at is None:
                return "Awaiting an answer to a founder's question; review paused."
            if contract.review_ends_at <= at:
                since = format_duration(at - contract.review_ends_at)
                return f"The time for review ended {since} ago; no founder decided."
            return f"Awaiting a founder's decision: {left_until(contract.review_ends_at, at)}."
        case ContractStatus.APPROVED:
            return _window_in_words(contract, at)
        case ContractStatus.ACTIVE if contract.audit_verdict == AuditVerdict.INCONCLUSIVE:
            return "The audit was inconclusive; a person who took no part must settle it."
        case ContractStatus.ACTIVE if job and job.status in JOB_TERMINAL_STATES:
            return "The job has ended; its evidence waits for an auditor's verdict."
        case ContractStatus.ACTIVE if job and job.status == JobStatus.RUNNING:
            return "An executor is carrying it out."
        case ContractStatus.ACTIVE if job:
            return waiting_in_words(job)
        case ContractStatus.COMPLETED:
            return "Done, and verified from sealed evidence."
        case ContractStatus.FAILED if contract.audit_verdict == AuditVerdict.FAIL:
            return "Failed: the audit did not confirm that the approved changes were made."
        case ContractStatus.REJECTED:
            return "Rejected for good."
        case _:
            return split_closing(contract.closed_reason)[0]


def waiting_in_words(job: GovernanceJob) -> str:
    """Return in one sentence what a PENDING job waits for; one query."""
    if overlapping := overlapping_job(job.contract.affected_capabilities):
        reference, capability = overlapping
        if capability == SYSTEM_SCOPE:
            return (
                f"Waits for the job of {reference} to end: "
                "a change of the whole platform runs alone."
            )
        return f"Waits for the job of {reference} to end, which changes {capability} too."
    if job.run_by == JobRunner.WORKER:
        return "Runs by itself, as soon as a worker starts it."
    return "Left to executors: waits for one to start it."


def find_open_question(
    conversation: Sequence[DiscussionItem], contract: SystemContract
) -> DiscussionItem | None:
    """Return the question that awaits an answer; None for a contract that is not ELIGIBLE."""
    if contract.status != ContractStatus.ELIGIBLE or contract.review_ends_at is not None:
        return None
    questions = [one for one in conversation if one.kind == "question"]
    return questions[-1] if questions else None


def history_rows(contract: SystemContract) -> list[LedgerEntryRow]:
    """Return the first ledger entries, one more than is shown if the ledger has more."""
    entries = LedgerEntry.objects.filter(contract=contract).order_by("seq")
    shown = list(entries[: MAX_LEDGER_ENTRIES + 1])
    names = present_names(shown)
    return [LedgerEntryRow.of(entry, names) for entry in shown]


def _is_frozen(capability: Capability | None) -> bool:
    return capability is not None and capability.frozen


def _health_of(name: str, health: HealthReading | None) -> str:
    if health is None:
        return ""
    return str(health.system if name == SYSTEM_SCOPE else health.capabilities[name])


def _window_in_words(contract: SystemContract, at: datetime) -> str:
    window = contract.window
    if window is None:
        return "Approved."
    if at < window.opens_at:
        return f"Approved; it can be activated in {format_duration(window.opens_at - at)}."
    if at > window.closes_at:
        return (
            f"Approved, but its window closed {format_duration(at - window.closes_at)} ago, unused."
        )
    return f"Approved; it can be activated now: {left_until(window.closes_at, at)}."
