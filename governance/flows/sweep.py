"""What time alone decides: reviews that expired, windows and leases that lapsed.

Each thing is its own transaction, so that one refusal stops none of the others. A thing that
somebody else moved between the look and the lock is passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from governance.authorities.contract.operations import expire_contract, fail_contract_past_window
from governance.authorities.contract.queries import (
    contracts_due_for_activation,
    contracts_past_review,
    contracts_past_window,
)
from governance.authorities.orchestrator.queries import jobs_past_lease
from governance.domain.errors import (
    ChangeFreezeActiveError,
    GovernanceError,
    InvalidJobTransitionError,
    InvalidTransitionError,
    StaleCopyError,
)
from governance.domain.values import DEFAULT_TIMEOUT_MINUTES
from governance.flows.activate_contract import activate_contract
from governance.flows.run_job import fail_timed_out_job
from governance.models import GovernanceJob


@dataclass(frozen=True, slots=True)
class SweepResult:
    """What became of one contract or job: its new `status`, or the `refusal` that kept it.

    `job_id` is the job that a contract became.
    """

    subject_id: UUID
    status: str = ""
    refusal: GovernanceError | None = None
    job_id: UUID | None = None

    @property
    def moved_by_another(self) -> bool:
        """Whether it was refused only because it is no longer where the look had found it."""
        moved = (InvalidTransitionError, InvalidJobTransitionError, StaleCopyError)
        return self.refusal is not None and (
            isinstance(self.refusal, moved)
            or self.refusal.code
            in {
                "contract_not_approved",
                "not_lapsed",
                "not_timed_out",
                "review_open",
                "review_paused",
            }
        )

    @property
    def held_by_freeze(self) -> bool:
        """Whether it was refused only because a founder stopped the line: it waits."""
        return isinstance(self.refusal, ChangeFreezeActiveError)


def expire_contracts(*, actor: Any, at: datetime) -> Iterator[SweepResult]:
    """Review time passed → EXPIRED; an approved window passed unused → FAILED."""
    for contract_id in contracts_past_review(at).values_list("pk", flat=True):
        yield _attempt(expire_contract, contract_id=contract_id, actor=actor, at=at)
    for contract_id in contracts_past_window(at).values_list("pk", flat=True):
        yield _attempt(fail_contract_past_window, contract_id=contract_id, actor=actor, at=at)


def fail_timed_out_jobs(*, actor: Any, at: datetime) -> Iterator[SweepResult]:
    """Running jobs past their lease, and so past their deadline → FAILED, with sealed evidence."""
    for job_id in jobs_past_lease(at).values_list("pk", flat=True):
        yield _attempt(fail_timed_out_job, job_id=job_id, actor=actor, at=at)


def activate_due_contracts(
    *, actor: Any, at: datetime, timeout_minutes: int = DEFAULT_TIMEOUT_MINUTES
) -> Iterator[SweepResult]:
    """Approved contracts inside their window → ACTIVE, the one that closes first first."""
    for contract_id in contracts_due_for_activation(at).values_list("pk", flat=True):
        yield _attempt(
            activate_contract,
            contract_id=contract_id,
            actor=actor,
            at=at,
            timeout_minutes=timeout_minutes,
        )


def _attempt(move: Callable[..., Any], **arguments: Any) -> SweepResult:
    subject_id = arguments.get("contract_id") or arguments["job_id"]
    try:
        moved = move(**arguments)
    except GovernanceError as refusal:
        return SweepResult(subject_id, refusal=refusal)
    if isinstance(moved, GovernanceJob) and moved.pk != subject_id:
        return SweepResult(subject_id, status=str(moved.contract.status), job_id=moved.pk)
    return SweepResult(subject_id, status=str(moved.status))
