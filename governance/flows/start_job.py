"""The flow of a start: an executor claims or starts a job, whose scopes are observed then.

The executor gets its token after the observation, so it has begun nothing before.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.flows.observe_job import observe_before
from governance.models import Account, GovernanceJob


def claim_job(
    *,
    executor: Account,
    capabilities: Sequence[str] | None = None,
    step_types: Sequence[str] | None = None,
) -> tuple[GovernanceJob, str] | None:
    """Claim the oldest job, and observe its scopes; otherwise like `JobStateTracker.claim_job`.

    Raises:
        ChangeFreezeActiveError: a change freeze is active, whether or not a job waits.
    """
    claimed = GovernanceOrchestrator.claim_job(
        executor=executor, capabilities=capabilities, step_types=step_types
    )
    if claimed is not None:
        observe_before(claimed[0])
    return claimed


def start_job(job_id: UUID, *, executor: Account) -> tuple[GovernanceJob, str]:
    """Start a job, and observe its scopes.

    Raises:
        GovernanceError: any error of `JobStateTracker.start_job`.
    """
    started = GovernanceOrchestrator.start_job(job_id, executor=executor)
    observe_before(started[0])
    return started
