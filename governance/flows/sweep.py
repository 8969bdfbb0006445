"""The sweeps: moves that are due by time alone, such as the expiry of reviews and leases.

Each contract or job is a transaction of its own, so one refusal stops no other. One that another
transaction moved between the query and the lock is skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from governance.authorities.contract.due import (
    contracts_due_for_activation,
    contracts_that_activate_themselves,
)
from governance.db.clock import database_now
from governance.domain.errors import (
    ChangeFreezeActiveError,
    GovernanceError,
    InvalidJobTransitionError,
    InvalidTransitionError,
    StaleCopyError,
)
from governance.domain.values import DEFAULT_TIMEOUT_MINUTES
from governance.flows.activate_contract import activate_contract
from governance.flows.endings import CONTRACTS, JOBS, Sweep, read_endings, require_sweepable
from governance.models import Account, GovernanceJob


@dataclass(frozen=True, slots=True)
class SweepResult:
    """The outcome of a sweep for one contract or job: its new `status`, or the `refusal`.

    `job_id` is the job of a contract that was activated.
    """

    subject_id: UUID
    status: str = ""
    refusal: GovernanceError | None = None
    job_id: UUID | None = None

    @property
    def moved_by_another(self) -> bool:
        """Whether it was refused only because its status changed after the query."""
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
        """Whether it was refused only because of an active change freeze."""
        return isinstance(self.refusal, ChangeFreezeActiveError)


def expire_contracts(
    *, actor: Account, force: int | None = None, only: Collection[UUID] | None = None
) -> Iterator[SweepResult]:
    """Move contracts past their review to EXPIRED, and contracts past their window to FAILED.

    Args:
        force: how many it ends, typed by a person; then it is not held back.
        only: the contracts that a person saw; of these it ends those that are due, and no others.

    Raises:
        TooManyEndingsError: it is held back (`endings.py`).
        EndingsChangedError: it would end another number than `force`.
    """
    return _end(CONTRACTS, "contract_id", actor=actor, force=force, only=only)


def fail_timed_out_jobs(
    *, actor: Account, force: int | None = None, only: Collection[UUID] | None = None
) -> Iterator[SweepResult]:
    """End RUNNING jobs past their lease as FAILED; a lease never outlasts the job's deadline.

    Arguments and errors are those of `expire_contracts`.
    """
    return _end(JOBS, "job_id", actor=actor, force=force, only=only)


def activate_due_contracts(
    *, actor: Account, timeout_minutes: int = DEFAULT_TIMEOUT_MINUTES
) -> Iterator[SweepResult]:
    """Activate the APPROVED contracts that are inside their window, ordered by its end."""
    for contract_id in contracts_due_for_activation(database_now()).values_list("pk", flat=True):
        yield attempt_move(
            activate_contract,
            contract_id=contract_id,
            actor=actor,
            timeout_minutes=timeout_minutes,
        )


def activate_contracts_by_themselves(
    *, actor: Account, only: UUID | None = None
) -> Iterator[SweepResult]:
    """Activate the contracts inside their window whose approval allows it without a further hand.

    Args:
        only: the one contract that is activated, if it is among them.
    """
    due = contracts_that_activate_themselves(database_now())
    if only is not None:
        due = due.filter(pk=only)
    for contract_id in due.values_list("pk", flat=True):
        yield attempt_move(activate_contract, contract_id=contract_id, actor=actor)


def _end(
    sweep: Sweep,
    subject: str,
    *,
    actor: Account,
    force: int | None,
    only: Collection[UUID] | None,
) -> Iterator[SweepResult]:
    [endings] = read_endings(sweep, at=database_now())
    if only is None:
        require_sweepable(endings, force)
    for move, ids in endings.due:
        for one in ids:
            if only is None or one in only:
                yield attempt_move(move, actor=actor, **{subject: one})


def attempt_move(move: Callable[..., Any], **arguments: Any) -> SweepResult:
    """Move one contract or job; a refusal is a result, so that it stops no other."""
    subject_id = arguments.get("contract_id") or arguments["job_id"]
    try:
        moved = move(**arguments)
    except GovernanceError as refusal:
        return SweepResult(subject_id, refusal=refusal)
    if isinstance(moved, GovernanceJob) and moved.pk != subject_id:
        return SweepResult(subject_id, status=str(moved.contract.status), job_id=moved.pk)
    return SweepResult(subject_id, status=str(moved.status))
