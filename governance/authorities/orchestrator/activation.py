"""Activation: the move that makes an APPROVED contract into exactly one job."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from governance.authorities.contract import operations as contract_operations
from governance.authorities.orchestrator.job_state import ContractState
from governance.authorities.orchestrator.snapshots import snapshot_of
from governance.db.rows import fetch_rows, mark_absent
from governance.domain.canonical import digest
from governance.domain.errors import (
    ApprovedTargetOutOfScopeError,
    ApproverMissingError,
    ContentChangedError,
    ContractNotApprovedError,
    HealthBlocksError,
    InvalidInputError,
    MayNotVerdictError,
    NoLongerEligibleError,
    PlanMismatchError,
    PlatformChangedError,
    SignerNotActiveError,
    TargetOutOfScopeError,
    WindowClosedError,
)
from governance.domain.health import UnknownHealth, require_known_health
from governance.domain.names import name_key
from governance.domain.recorded_changes import keys_set_by, require_targets_in_scope, targets_of
from governance.domain.values import (
    DEFAULT_TIMEOUT_MINUTES,
    TIMEOUT_MINUTES,
    ChangedSetting,
    ContractStatus,
    EligibilityDecision,
    HealthReading,
    JobRunner,
    JobStatus,
    SnapshotPhase,
)
from governance.domain.verdicts import EligibilityVerdict
from governance.models import Account, GovernanceJob, SystemContract
from governance.record.ledger.chain import NewEntry, actor_name, entries_as_json

MAX_CHANGED_SETTINGS = 100  # as many as an error lists


class ContractActivationService:
    """The activation of contracts: checks the guards, then creates the job."""

    @staticmethod
    def activate_contract(
        state: ContractState,
        *,
        actor: Account,
        health: HealthReading | UnknownHealth | None,
        changed_settings: Sequence[ChangedSetting] = (),
        decided_again: EligibilityVerdict | None = None,
        timeout_minutes: int = DEFAULT_TIMEOUT_MINUTES,
        run_by: JobRunner = JobRunner.CLIENT,
    ) -> GovernanceJob:
        """Move an APPROVED contract to ACTIVE, and return its new PENDING job with its steps.

        One statement writes, whatever the number of steps.

        Args:
            state: the contract, as the flow read it just before.
            health: what a flow read just before, or why the health could not be read. It does not
                hold a rollback back, and is recorded nevertheless.
            changed_settings: what the flow found to be not as the founders saw it.
            decided_again: eligibility by today's rules; None if they are those of the contract's
                verdict, or that verdict came from outside.
            run_by: who runs the job; for a worker, its task is enqueued by the same statement.

        Raises:
            InvalidInputError: `timeout_minutes` is out of bounds.
            ContractActivationError: a guard refused; the subclass says which.
            MayNotVerdictError: eligibility did not say MAY.
            HealthUnknownError: `health` is no reading, and the contract is no rollback.
            HealthBlocksError: health is BLOCKED, and the contract is no rollback.
            ChangeFreezeActiveError: a change freeze is active.
        """
        _require_timeout(timeout_minutes)
        contract, at = state.contract, state.now
        _require_activatable(
            state, health=health, changed_settings=changed_settings, decided_again=decided_again
        )
        job = GovernanceJob(
            contract=contract,
            total_steps=len(contract.plan),
            timeout_minutes=timeout_minutes,
            run_by=run_by,
            is_rollback=contract.is_rollback,
            created_at=at,
            created_by=actor,
            updated_at=at,
        )
        before = (
            snapshot_of(job, SnapshotPhase.BEFORE, health)
            if isinstance(health, HealthReading)
            else None
        )
        activated = contract_operations.activate(contract=contract, at=at)
        created = NewEntry(
            "job.activation.created",
            to_status=JobStatus.PENDING,
            records={
                # PostgreSQL copies the steps from the frozen plan, so the plan is their record.
                "job_sha256": digest(job.creation_record(contract.plan)),
                "health_before_sha256": digest(before.as_record()) if before else None,
            },
        )
        fetch_rows(
            "SELECT governance_activate_contract(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                contract.pk,
                state.head.seq,
                job.pk,
                timeout_minutes,
                actor.pk,
                actor_name(actor),
                at,
                json.dumps(before.reading) if before else None,
                before.observed_at if before else None,
                entries_as_json([activated, created]),
                str(run_by),
                json.dumps([_name_keys(change) for change in contract.proposed_changes]),
            ],
        )
        mark_absent(job, "evidence", "audit")
        mark_absent(contract, "successor")
        return job


def _name_keys(change: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the `name_key` of each configuration key that a change sets, or None without any."""
    return {key: name_key(key) for key in keys_set_by(change)} or None


def _require_timeout(timeout_minutes: Any) -> None:
    if isinstance(timeout_minutes, bool) or timeout_minutes not in TIMEOUT_MINUTES:
        raise InvalidInputError.at(
            "timeout_minutes",
            f"must be a whole number from {TIMEOUT_MINUTES.start} to {TIMEOUT_MINUTES[-1]}",
        )


def _require_activatable(
    state: ContractState,
    *,
    health: HealthReading | UnknownHealth | None,
    changed_settings: Sequence[ChangedSetting],
    decided_again: EligibilityVerdict | None,
) -> None:
    contract, at = state.contract, state.now
    if contract.status != ContractStatus.APPROVED:
        raise ContractNotApprovedError(
            f"Only an approved contract is activated; this one is {contract.status}.",
            details={"status": str(contract.status)},
        )
    if contract.eligibility_decision != EligibilityDecision.MAY:
        raise MayNotVerdictError("Eligibility did not say MAY.")
    if contract.approved_by_id is None or contract.window is None:
        raise ApproverMissingError("No approver is recorded for this contract.")
    if not contract.window.contains(at):
        raise WindowClosedError(
            f"The activation window runs from {contract.window.opens_at:%Y-%m-%d %H:%M} "
            f"to {contract.window.closes_at:%Y-%m-%d %H:%M} UTC; it is {at:%Y-%m-%d %H:%M} now.",
        )
    if state.inactive_signers:
        names = ", ".join(state.inactive_signers)
        raise SignerNotActiveError(
            f"No active founder any more, but signed this contract: {names}. A founder can "
            "withdraw the approval and propose the change again, so that it is signed anew.",
            details={"signers": state.inactive_signers},
        )
    if not _has_signed_content(contract):
        raise ContentChangedError("The content is not what the founder signed.")
    _require_scope(contract)
    if decided_again is not None and not decided_again.may:
        raise _no_longer_eligible(decided_again)
    if changed_settings:
        raise _platform_changed(changed_settings)
    if contract.is_rollback:
        return
    if blocking := require_known_health(health).blocking_scopes():
        raise HealthBlocksError(
            f"Health is BLOCKED for {', '.join(blocking)}.", details={"blocking": blocking}
        )


def _no_longer_eligible(verdict: EligibilityVerdict) -> NoLongerEligibleError:
    return NoLongerEligibleError(
        "The rules of eligibility changed after this contract passed them, and it does not pass "
        f"them now. {verdict.reason} Withdraw the approval and propose the change again, so that "
        "it is decided by the rules of today.",
        details={
            "first_failing_rule": verdict.first_failing_rule,
            "missing_prerequisites": verdict.missing_prerequisites,
            "rules_version": verdict.rules_version,
        },
    )


def _platform_changed(settings: Sequence[ChangedSetting]) -> PlatformChangedError:
    first = settings[0]
    return PlatformChangedError(
        f"{first.name} was {first.signed} on the page that {first.by} signed, and is"
        f" {first.current} now. Withdraw the approval and propose the change again, so that the"
        " founders sign it on a fresh page.",
        details={
            "changed": [
                {"place": one.name, "by": one.by, "signed": one.signed, "current": one.current}
                for one in settings[:MAX_CHANGED_SETTINGS]
            ]
        },
    )


def _has_signed_content(contract: SystemContract) -> bool:
    """Return whether the content that the flow read still has the approved digest."""
    # `digest` takes no NaN or infinity together with `expected`. The JSON columns cannot hold one,
    # but raw SQL may have written one into this column.
    if not math.isfinite(contract.confidence_score or 0):
        return False
    signed = contract.approved_digest
    return bool(digest(contract.content_record(), expected=signed) == signed)


def _require_scope(contract: SystemContract) -> None:
    changes = contract.proposed_changes
    try:
        require_targets_in_scope(targets_of(changes), contract.affected_capabilities)
    except TargetOutOfScopeError as error:
        raise ApprovedTargetOutOfScopeError(str(error)) from None
    if changes != [step["change"] for step in contract.plan]:
        raise PlanMismatchError("The plan differs from the proposed changes.")
