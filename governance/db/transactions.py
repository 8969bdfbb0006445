"""Transactions of state changes: everything of a change is written, or nothing; and retries."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import wraps
from random import random
from time import sleep
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.db import DatabaseError, connection, transaction

from governance.db.errors import translated_errors
from governance.domain.errors import BusyError

logger = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")

# A transaction that PostgreSQL rolled back for one of these reasons can succeed in a retry. After a
# lock timeout or a statement timeout a retry would only wait longer.
RETRIABLE = frozenset({"deadlock", "serialization_failure"})
MAX_FIRST_PAUSE = 0.02  # seconds; twice that before each further try

# How often PostgreSQL rolled back a transaction of this process, by reason.
conflict_counts: Counter[str] = Counter()

_is_retry: ContextVar[bool] = ContextVar("is_retry", default=False)
# What the innermost open transaction writes again if it is rolled back.
_kept_writes: ContextVar[list[Callable[[], None]] | None] = ContextVar("kept_writes", default=None)


@contextmanager
def write_transaction() -> Iterator[None]:
    """Open a transaction, or a savepoint in the open transaction.

    An error rolls everything back but what `keep_after_rollback` wrote. `translated_errors`
    translates PostgreSQL's errors.
    """
    outer = _kept_writes.get()
    kept: list[Callable[[], None]] = []
    token = _kept_writes.set(kept)
    try:
        with translated_errors(), transaction.atomic():
            yield
    except BaseException:
        for write in kept:
            with suppress(DatabaseError):
                write()
        raise
    finally:
        _kept_writes.reset(token)
        if outer is not None:
            outer.extend(kept)


def keep_after_rollback(write: Callable[[], None]) -> None:
    """Write something now, and again if a transaction that is open now is rolled back.

    This is for what a refusal must leave behind, although all else that was written is undone.

    Args:
        write: the writing; to call it twice must do no harm.
    """
    write()
    if (kept := _kept_writes.get()) is not None:
        kept.append(write)


def wait_for_turn(what: str) -> None:
    """Lock, until the transaction ends, something that has no row; `what` names it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"{settings.GOVSITE_SCHEMA} governance {what}"],
        )


def must_lock_reads() -> bool:
    """Tell whether an operation that reads, decides, and writes with one call reads under lock.

    Its first attempt takes no lock: the writing call is the transaction, and refuses if the head of
    the chain is not the one that was read (ADR 0005). A retry is a transaction that reads under
    lock, so that it cannot be overtaken again.
    """
    return _is_retry.get()


def retried(operation: Callable[P, R]) -> Callable[P, R]:
    """Decorate an operation that is one transaction: retry it when PostgreSQL rolled it back.

    Inside another transaction the outer operation is retried instead, because PostgreSQL rolled
    back the outer transaction. Each attempt must read again whatever it decides on.

    Raises:
        GovernanceError: for an error of PostgreSQL, as `translated_errors` says.
        BusyError: after `GOVSITE["TRANSACTION_ATTEMPTS"]` attempts, or at once for a timeout.
    """

    @wraps(operation)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        if connection.in_atomic_block:
            with translated_errors():
                return operation(*args, **kwargs)
        return _attempts(lambda: operation(*args, **kwargs), operation.__name__)

    return wrapper


def _attempts(run: Callable[[], R], name: str) -> R:
    attempt = 1
    while True:
        try:
            with translated_errors():
                return run() if attempt == 1 else _run_again(run)
        except BusyError as busy:
            undone_by = busy.details["undone_by"]
            conflict_counts[undone_by] += 1
            busy.details["attempts"] = attempt
            logger.warning("%s was rolled back by %s, attempt %s.", name, undone_by, attempt)
            is_last = attempt >= settings.GOVSITE["TRANSACTION_ATTEMPTS"]
            if is_last or undone_by not in RETRIABLE:
                raise
        # A random pause keeps the same transactions from meeting again.
        sleep(MAX_FIRST_PAUSE * 2 ** (attempt - 1) * random())  # noqa: S311 - keeps no secret
        attempt += 1


def _run_again(run: Callable[[], R]) -> R:
    token = _is_retry.set(True)
    try:
        with transaction.atomic():
            return run()
    finally:
        _is_retry.reset(token)
