"""The flow of a rollback: what undoes a FAILED contract becomes a contract of its own.

The account of the scheduler proposes it, in the transaction of the verdict, or later when a person
asks for it. It waits for founders at the head of the review queue.
"""

from __future__ import annotations

from datetime import datetime
from typing import cast
from uuid import UUID

from governance.authorities.contract.rollback_authorisations import enqueue_approval
from governance.authorities.contract.rollbacks import (
    count_rollbacks_of_last_hour,
    create_rollback,
    require_rollback_possible,
)
from governance.authorities.eligibility.rollbacks import decide_rollback
from governance.authorities.eligibility.snapshot import RegisteredNames
from governance.authorities.orchestrator.completed_steps import completed_steps_of
from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.db.transactions import retried, write_transaction
from governance.domain.changes import parse_changes
from governance.domain.errors import BusyError, GovernanceError, NothingToRollBackError
from governance.domain.roles import MachineAccount
from governance.domain.rollbacks import (
    MAX_ROLLBACKS_PER_HOUR,
    CompletedStep,
    ComputedRollback,
    compute_rollback,
    settings_set_by,
)
from governance.domain.verdicts import parse_validator_verdict
from governance.flows.notify import (
    notify_of_many_rollbacks,
    notify_of_missing_rollback,
    notify_of_rollback,
)
from governance.flows.read_eligibility import site_thresholds
from governance.models import Account, SystemContract
from governance.record.ledger.chain import lock_contract
from governance.services.access.accounts import machine_account
from governance.services.access.permissions import require_proposer
from governance.services.registry.history import history_of_job
from governance.services.registry.queries import (
    frozen_capabilities,
    platform_state_for,
    unknown_capabilities,
)


def propose_rollback(*, failed: SystemContract, at: datetime) -> SystemContract | None:
    """Propose the rollback of a contract that a verdict of FAIL has just ended.

    A contract without a completed step needs none. One that cannot be proposed does not keep the
    verdict from being recorded: the proposer and the founders who signed get a notice that says
    why. The caller's transaction has locked the contract.
    """
    job_id, steps = completed_steps_of(failed.pk)
    if job_id is None:
        return None
    try:
        return _propose(failed, job_id, steps, at=at, asked_by=None)
    except BusyError:
        raise  # PostgreSQL has rolled back the caller's transaction too
    except GovernanceError as refusal:
        notify_of_missing_rollback(failed, why=str(refusal), at=at)
        return None


@retried
def ask_for_rollback(*, contract_id: UUID, person: Account) -> SystemContract:
    """Propose the rollback of a FAILED contract because an operator or a founder asks for it.

    The account of the scheduler proposes it too, so that the person may sign it.

    Raises:
        WrongPersonError: the person is neither an operator nor a founder.
        NotFoundError: no such contract.
        NotRolledBackError: the contract did not fail, or no step of it was completed.
        RollbackOpenError: a rollback of it is open.
        NothingToRollBackError: every setting was set again since.
        MayNotVerdictError: a capability is frozen, or not registered.
    """
    require_proposer(person)
    with write_transaction():
        contract, at = lock_contract(contract_id)
        job_id, steps = completed_steps_of(contract.pk)
        require_rollback_possible(contract, len(steps))
        # A contract with a completed step has a job.
        return _propose(contract, cast(UUID, job_id), steps, at=at, asked_by=person)


def preview_rollback(contract: SystemContract) -> ComputedRollback | None:
    """Return what the rollback of a FAILED contract would do now; None if no step was completed."""
    job_id, steps = completed_steps_of(contract.pk)
    return None if job_id is None else _compute(job_id, steps)


@retried
def _propose(
    failed: SystemContract,
    job_id: UUID,
    steps: list[CompletedStep],
    *,
    at: datetime,
    asked_by: Account | None,
) -> SystemContract:
    with write_transaction():
        computed = _compute(job_id, steps)
        if not computed.changes:
            raise NothingToRollBackError(
                f"Nothing is left to roll back: {computed.left_out_in_words}."
            )
        changes = parse_changes([dict(change) for change in computed.changes])
        targets = sorted({change.target for change in changes})
        verdict = decide_rollback(
            reference=failed.reference,
            source=failed.source,
            affected_capabilities=targets,
            verdict=parse_validator_verdict(failed.validator_verdict),
            registered=RegisteredNames(
                known={*targets} - {*unknown_capabilities(targets)},
                frozen=frozen_capabilities(targets),
            ),
            at=at,
            thresholds=site_thresholds(),
        )
        rollback = create_rollback(
            undone=failed,
            rollback=computed,
            plan=GovernanceOrchestrator.plan_changes(changes, state=platform_state_for(changes)),
            eligibility_verdict=verdict.model_dump(),
            proposer=machine_account(MachineAccount.SCHEDULER),
            asked_by=asked_by,
        )
        enqueue_approval(rollback)
        notify_of_rollback(rollback, undone=failed, computed=computed)
        number = count_rollbacks_of_last_hour(rollback.created_at)
        if number > MAX_ROLLBACKS_PER_HOUR:
            notify_of_many_rollbacks(rollback, number=number)
        return rollback


def _compute(job_id: UUID, steps: list[CompletedStep]) -> ComputedRollback:
    changes = parse_changes([dict(step.change) for step in steps])
    settings = {setting for step in steps for setting in settings_set_by(step.change)}
    return compute_rollback(
        steps, current=platform_state_for(changes), history=history_of_job(job_id, settings)
    )
