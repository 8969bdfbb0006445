"""The tables of valid status moves of contracts and jobs, declared only here.

The django-fsm transitions, the PostgreSQL triggers, the API schema and the diagram derive from
these tables or are tested to be equal to them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Generic, TypeVar

from governance.domain.errors import (
    ContractImmutableError,
    InvalidJobTransitionError,
    InvalidTransitionError,
    JobImmutableError,
    WrongStateError,
)
from governance.domain.values import ContractStatus as C
from governance.domain.values import JobStatus as J

Status = TypeVar("Status", C, J)

CONTRACT_VALID_TRANSITIONS: Mapping[C, frozenset[C]] = {
    C.DRAFT: frozenset({C.VALIDATED, C.REJECTED, C.EXPIRED}),
    C.VALIDATED: frozenset({C.ELIGIBLE, C.REJECTED, C.EXPIRED}),
    C.ELIGIBLE: frozenset({C.APPROVED, C.REJECTED, C.EXPIRED}),
    C.APPROVED: frozenset({C.ACTIVE, C.FAILED}),
    C.ACTIVE: frozenset({C.COMPLETED, C.FAILED}),
    C.COMPLETED: frozenset(),
    C.FAILED: frozenset(),
    C.REJECTED: frozenset(),
    C.EXPIRED: frozenset(),
}

JOB_VALID_TRANSITIONS: Mapping[J, frozenset[J]] = {
    J.PENDING: frozenset({J.RUNNING, J.CANCELLED}),
    J.RUNNING: frozenset({J.COMPLETED, J.FAILED, J.CANCELLED}),
    J.COMPLETED: frozenset(),
    J.FAILED: frozenset(),
    J.CANCELLED: frozenset(),
}

CONTRACT_TERMINAL_STATES = frozenset(s for s, to in CONTRACT_VALID_TRANSITIONS.items() if not to)
JOB_TERMINAL_STATES = frozenset(s for s, to in JOB_VALID_TRANSITIONS.items() if not to)

# The ends after which a contract's content may be proposed again.
REPEATABLE_STATES = CONTRACT_TERMINAL_STATES - {C.COMPLETED}

CONTRACT_INITIAL_STATES = frozenset({C.DRAFT, C.ELIGIBLE})
JOB_INITIAL_STATES = frozenset({J.PENDING})

# From ELIGIBLE on, what a founder reads and signs no longer changes (CONTRACT-005).
CONTRACT_OPEN_CONTENT_STATES = frozenset({C.DRAFT, C.VALIDATED})


class _StateMachine(Generic[Status]):
    """Checks against one table of moves; it changes no object."""

    subject: ClassVar[str]
    transitions: Mapping[Status, frozenset[Status]]
    invalid: ClassVar[type[WrongStateError]]
    immutable: ClassVar[type[WrongStateError]]

    @classmethod
    def can_move(cls, current: Status, target: Status) -> bool:
        return target in cls.transitions[current]

    @classmethod
    def is_terminal(cls, status: Status) -> bool:
        return not cls.transitions[status]

    @classmethod
    def sources_of(cls, target: Status) -> list[Status]:
        """List the statuses from which one move leads to `target`."""
        return [source for source, targets in cls.transitions.items() if target in targets]

    @classmethod
    def require_move(cls, current: Status, target: Status) -> None:
        """Refuse a move that is not in the table.

        Raises:
            WrongStateError: the class's `immutable` error from a terminal status, otherwise its
                `invalid` error.
        """
        if cls.can_move(current, target):
            return
        details = {"from_status": str(current), "to_status": str(target)}
        if cls.is_terminal(current):
            raise cls.immutable(
                f"This {cls.subject} is {current}, which is final; it cannot become {target}.",
                details=details,
            )
        raise cls.invalid(
            f"A {cls.subject} that is {current} cannot become {target}.", details=details
        )


class ContractStateMachine(_StateMachine[C]):
    """The table of a contract's moves (CONTRACT-001)."""

    subject = "contract"
    transitions = CONTRACT_VALID_TRANSITIONS
    invalid = InvalidTransitionError
    immutable = ContractImmutableError


class JobStateMachine(_StateMachine[J]):
    """The table of a job's moves (JOB-003)."""

    subject = "job"
    transitions = JOB_VALID_TRANSITIONS
    invalid = InvalidJobTransitionError
    immutable = JobImmutableError
