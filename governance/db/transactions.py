"""Transactions of state changes: everything of a change is written, or nothing; and retries."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from random import random
from time import sleep
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.db import connection, transaction

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


@contextmanager
def write_transaction() -> Iterator[None]:
    """Open a transaction, or a savepoint in the open transaction.

    An error rolls everything back. `translated_errors` translates PostgreSQL's errors.
    """
    with translated_errors(), transaction.atomic():
        yield


@contextmanager
def optimistic_transaction() -> Iterator[None]:
    """Run an operation that reads, decides, and writes with one statement (ADR 0001).

    Outside a transaction this opens none, and the reads take no lock. The writing statement is
    the transaction: it locks the contract, and refuses if the head of the chain is not the one
    that was read (ADR 0005). So the operation must be `retried`; a second attempt reads under
    lock. Inside a transaction this is a `write_transaction`, and the reads lock the contract.
    """
    if connection.in_atomic_block:
        with write_transaction():
            yield
    else:
        with translated_errors():
            yield


def retried(operation: Callable[P, R]) -> Callable[P, R]:
    """Decorate an operation that is one transaction: retry it when PostgreSQL rolled it back.

    Inside another transaction the outer operation is retried instead, because PostgreSQL rolled
    back the outer transaction. Each attempt must read again whatever it decides on; only an
    `optimistic_transaction` may read it without a lock, in the first attempt.

    Raises:
        BusyError: after `GOVSITE["TRANSACTION_ATTEMPTS"]` attempts, or at once for a timeout.
    """

    @wraps(operation)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        if connection.in_atomic_block:
            return operation(*args, **kwargs)
        return _attempts(lambda: operation(*args, **kwargs), operation.__name__)

    return wrapper


def _attempts(run: Callable[[], R], name: str) -> R:
    attempt = 1
    while True:
        try:
            if attempt == 1:
                return run()
            # Inside a transaction an optimistic operation reads under lock, so it cannot conflict.
            with write_transaction():
                return run()
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
