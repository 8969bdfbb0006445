"""The rollback on a contract's page: what stands half done, what would undo it, and the links."""

from __future__ import annotations

from typing import Any

from governance.admin.wording import change_in_words, plural
from governance.authorities.contract.rollbacks import rollbacks_of
from governance.domain.rollbacks import ComputedRollback, planned_rollback
from governance.domain.values import ContractStatus
from governance.flows.propose_rollback import preview_rollback
from governance.models import GovernanceJob, SystemContract

MAX_SHOWN_STEPS = 50


def rollback_context(contract: SystemContract, job: GovernanceJob | None) -> dict[str, Any]:
    """Return the variables of the rollback's card; for a contract that did not fail only links."""
    rollback = preview_rollback(contract) if contract.status == ContractStatus.FAILED else None
    changes = rollback.changes if rollback else ()
    return {
        "undoes": contract.rolls_back,
        "rollbacks": list(rollbacks_of(contract)),
        "half_done": _half_done(rollback, job) if rollback and job else "",
        "rollback_steps": [change_in_words(change) for change in changes[:MAX_SHOWN_STEPS]],
        "more_rollback_steps": max(0, len(changes) - MAX_SHOWN_STEPS),
        "left_out": [f"{setting}: {reason}" for setting, reason in rollback.left_out.items()]
        if rollback
        else [],
        "completed_steps": rollback.completed if rollback else 0,
    }


def planned_rollback_in_words(contract: SystemContract) -> list[Any]:
    """Return the steps of the rollback of the whole plan in words; empty if it has none."""
    if contract.is_rollback:
        return []
    return [change_in_words(change) for change in planned_rollback(contract.plan) or ()]


def _half_done(rollback: ComputedRollback, job: GovernanceJob) -> str:
    done, total = rollback.completed, job.total_steps
    if done == total:
        return f"All {plural(total, 'step')} were completed, and their changes stand."
    return (
        f"{done} of {plural(total, 'step')} {'was' if done == 1 else 'were'} completed, and"
        " what they changed stands. What the next step left behind is not known."
    )
