"""Admitting and recording runs, and closing a breaker: the only writer of circuit breakers.

Before a worker starts a job, it asks whether every handler of the job may begin another one. After
the run it records whether a handler was at fault. An operator closes a breaker that is open.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, cast
from uuid import UUID

from django.db import connection
from django.db.transaction import TransactionManagementError

from governance.db.clock import database_now
from governance.db.rows import fetch_rows
from governance.db.transactions import retried, write_transaction
from governance.domain.breaker import BreakerState, after_run
from governance.domain.errors import BreakerNotFoundError, BreakerNotOpenError, ReasonRequiredError
from governance.domain.texts import clean_text, cut_text
from governance.domain.values import MIN_REASON_LENGTH
from governance.models import Account, BreakerEvent, HandlerBreaker
from governance.services.access.permissions import require_operator

MAX_FAULT_LENGTH = 1000

_CAREFUL = """
    SELECT EXISTS (SELECT FROM governance_handlerbreaker
                    WHERE handler = ANY (%s) AND state = 'CAREFUL')"""


@retried
def admit_run(*, handlers: Collection[str], job_id: UUID) -> bool:
    """Return whether every one of `handlers` may begin a job now; then the job is in flight.

    Call it in the transaction that starts the job, before the start: the breakers stay locked until
    that transaction ends, so that another worker counts the job as RUNNING or not at all. A job in
    flight counts only while it is RUNNING. Without handlers the answer is yes.

    Args:
        handlers: the names of the handlers that serve the steps of the job.

    Raises:
        TransactionManagementError: no transaction is open.
    """
    if not connection.in_atomic_block:
        raise TransactionManagementError("admit_run must be called in a transaction.")
    wanted = sorted(set(handlers))
    admitted = _admit(wanted, job_id)
    if admitted is None:
        _make_breakers(wanted)
        admitted = _admit(wanted, job_id)
    return bool(admitted)


@retried
def record_run(
    *, handlers: Collection[str], job_id: UUID, faulty: str = "", fault: str = ""
) -> HandlerBreaker | None:
    """Record how a run ended, for each handler that was called; one transaction.

    Return the breaker that this run opened, if it opened one.

    Call it once for each run whose job ended, and for a job that was lost only if a handler was at
    fault: a lost job does not show that a handler works. A run without a fault whose breakers are
    all CLOSED writes nothing.

    Args:
        handlers: the names of the handlers that performed a step. A handler that was not called,
            because health or an earlier step kept it from its step, shows nothing and is left out.
        faulty: the name of the handler that was at fault, which is that of the failed step, or "".
        fault: what went wrong, in words; secrets must be taken out of it already.
    """
    if not faulty and not _is_one_careful(handlers):
        return None
    opened = None
    called = {*handlers, faulty} - {""}
    with write_transaction():
        for breaker in _locked_breakers(called):
            if breaker.handler == faulty:
                if _record_fault(breaker, fault=fault, job_id=job_id):
                    opened = breaker
            elif breaker.state == BreakerState.CAREFUL:
                _record_success(breaker)
    return opened


@retried
def close_breaker(*, handler: str, reason: str, actor: Account) -> HandlerBreaker:
    """Close the breaker of a handler: it becomes CAREFUL, and one job tries.

    Raises:
        WrongPersonError: the person is no member of the Operator group.
        ReasonRequiredError: the reason has 10 characters or less.
        InvalidInputError: the reason is no text, or too long.
        BreakerNotFoundError: the handler has no breaker.
        BreakerNotOpenError: the breaker is not open.
    """
    require_operator(actor)
    reason = _require_reason(reason)
    with write_transaction():
        breaker = HandlerBreaker.objects.select_for_update().filter(handler=handler).first()
        if breaker is None:
            raise BreakerNotFoundError(f"There is no circuit breaker of {handler}.")
        if breaker.state != BreakerState.OPEN:
            raise BreakerNotOpenError(
                f"The circuit breaker of {handler} is not open.",
                details={"state": str(breaker.state)},
            )
        breaker.state = BreakerState.CAREFUL
        HandlerBreaker.objects.filter(pk=breaker.pk).update(state=breaker.state)
        event = BreakerEvent(
            breaker=breaker, state=breaker.state, at=database_now(), text=reason, closed_by=actor
        )
        BreakerEvent.objects.bulk_create([event])
    return breaker


def _admit(handlers: list[str], job_id: UUID) -> bool | None:
    """Return whether the breakers admit the job; None if a handler has no breaker yet."""
    [(admitted,)] = fetch_rows("SELECT governance_admit_run(%s, %s)", [handlers, job_id])
    return cast("bool | None", admitted)


def _make_breakers(handlers: Iterable[str]) -> None:
    new = [HandlerBreaker(handler=name) for name in handlers]
    HandlerBreaker.objects.bulk_create(new, ignore_conflicts=True)


def _is_one_careful(handlers: Collection[str]) -> bool:
    [(found,)] = fetch_rows(_CAREFUL, [list(handlers)])
    return bool(found)


def _locked_breakers(handlers: Collection[str]) -> list[HandlerBreaker]:
    """Lock the breakers of `handlers`, always in the order of their names; make what is missing."""
    locked = HandlerBreaker.objects.select_for_update().filter(handler__in=handlers)
    breakers = list(locked.order_by("handler"))
    if missing := set(handlers) - {breaker.handler for breaker in breakers}:
        _make_breakers(sorted(missing))
        breakers = list(locked.order_by("handler"))
    return breakers


def _record_fault(breaker: HandlerBreaker, *, fault: str, job_id: UUID) -> bool:
    """Record a fault of a locked breaker's handler; return whether it opens the breaker."""
    before = BreakerState(breaker.state)
    breaker.state = after_run(before, is_fault=True)
    at, text = database_now(), cut_text(fault, MAX_FAULT_LENGTH)
    breaker.last_fault, breaker.last_fault_at = text, at
    HandlerBreaker.objects.filter(pk=breaker.pk).update(
        state=breaker.state,
        faults_in_a_row=breaker.faults_in_a_row + 1,
        last_fault=text,
        last_fault_at=at,
        last_fault_job=job_id,
    )
    if breaker.state == before or breaker.state != BreakerState.OPEN:
        return False
    event = BreakerEvent(breaker=breaker, state=breaker.state, at=at, text=text, fault_job=job_id)
    BreakerEvent.objects.bulk_create([event])
    return True


def _record_success(breaker: HandlerBreaker) -> None:
    """Record that a locked breaker's handler was called and was not at fault."""
    state = after_run(BreakerState(breaker.state), is_fault=False)
    HandlerBreaker.objects.filter(pk=breaker.pk).update(state=state, faults_in_a_row=0)


def _require_reason(reason: Any) -> str:
    text = clean_text(reason, "reason")
    if len(text) < MIN_REASON_LENGTH:
        raise ReasonRequiredError.at("reason", "must have more than 10 characters")
    return text
