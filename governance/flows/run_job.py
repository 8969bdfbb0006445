"""The flows that end a job, each with the health and the observed state of what it affects.

`JobStateTracker` records reports without a flow, because these need no other authority.
"""

from __future__ import annotations

from functools import partial
from uuid import UUID

from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.authorities.orchestrator.job_state import read_job_history
from governance.db.transactions import retried, write_transaction
from governance.flows.notify import notify_of_failed_job
from governance.flows.observe_job import read_end
from governance.models import Account, GovernanceJob


@retried
def complete_job(*, job_id: UUID, token: str, executor: Account) -> GovernanceJob:
    """Read health and observe, then end the job as its results say.

    If a step failed, the proposer and the founders who approved get a notice.

    Raises:
        NotFoundError: no such job.
        GovernanceError: any error of `JobStateTracker.complete_job`.
    """
    history = read_job_history(job_id)
    end = read_end(history)
    complete = partial(
        GovernanceOrchestrator.complete_job, history, end, token=token, executor=executor
    )
    # Without a notice to write, the one call that ends the job is the transaction.
    if history.failed is None:
        return complete()
    with write_transaction():
        job = complete()
        notify_of_failed_job(history, is_lost=False)
    return job


@retried
def cancel_job(*, job_id: UUID, reason: str, actor: Account) -> GovernanceJob:
    """Read health and observe, then end the job as CANCELLED.

    Raises:
        NotFoundError: no such job.
        GovernanceError: any error of `JobStateTracker.cancel_job`.
    """
    history = read_job_history(job_id)
    end = read_end(history)
    return GovernanceOrchestrator.cancel_job(history, end, reason=reason, actor=actor)


@retried
def fail_timed_out_job(*, job_id: UUID, actor: Account) -> GovernanceJob:
    """Read health, then end a job whose lease expired as FAILED.

    The proposer and the founders who approved get a notice.

    Raises:
        NotFoundError: no such job.
        GovernanceError: any error of `JobStateTracker.fail_timed_out_job`.
    """
    history = read_job_history(job_id)
    end = read_end(history, observes=False)
    with write_transaction():
        job = GovernanceOrchestrator.fail_timed_out_job(history, end, actor=actor)
        notify_of_failed_job(history, is_lost=True)
    return job
