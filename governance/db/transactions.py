"""A story: one transaction in which everything of a state change is written, or nothing."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from random import random
from time import sleep
from typing import Any, ParamSpec, TypeVar

from django.conf import settings
from django.db import connection, transaction

from governance.db.errors import translated_errors
from governance.domain.errors import BusyError

logger = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")

# Of these PostgreSQL says: the transaction is undone, and may well pass if it is run again. A
# story that waited in vain for a lock, or ran too long, has had its time already.
RETRIABLE = frozenset({"deadlock", "serialization_failure"})
MAX_FIRST_PAUSE = 0.02  # seconds; twice that before each further try

# How often stories were undone in this process, by what undid them.
conflict_counts: Counter[str] = Counter()


@contextmanager
def write_transaction() -> Iterator[None]:
    """Open a transaction, or a savepoint of the one that is open.

    PostgreSQL's refusals come out as the domain's errors, and nothing of the story stays.
    """
    with translated_errors(), transaction.atomic():
        yield


@contextmanager
def optimistic_transaction() -> Iterator[None]:
    """A story that reads, decides, and writes with one statement (docs/adr/0001).

    Outside of any transaction it opens none. What it reads is not locked then; the statement that
    writes is the transaction, locks the contract, and refuses if the head of its chain is not the
    one that was read. So the operation must be `retried`: its second attempt reads under lock.
    Inside a transaction it is as any story, and its reads lock (`hold_contract`).
    """
    if connection.in_atomic_block:
        with write_transaction():
            yield
    else:
        with translated_errors():
            yield


def retried(operation: Callable[P, R]) -> Callable[P, R]:
    """Decorate an operation that is one story: run it again when PostgreSQL undid it.

    After `GOVSITE["TRANSACTION_ATTEMPTS"]` attempts in all the BusyError goes to the caller. Inside
    another story it is the outer one that is run again, for its transaction is what was undone.
    The operation must begin by reading under lock whatever it decides on; each attempt does.
    """

    @wraps(operation)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        if connection.in_atomic_block:
            return operation(*args, **kwargs)
        return _attempts(lambda: operation(*args, **kwargs), operation.__name__)

    return wrapper


def _attempts(run: Callable[[], Any], name: str) -> Any:
    attempt = 1
    while True:
        try:
            if attempt == 1:
                return run()
            # In a transaction even a short story reads under lock: nobody can come first again.
            with write_transaction():
                return run()
        except BusyError as busy:
            undone_by = busy.details["undone_by"]
            conflict_counts[undone_by] += 1
            busy.details["attempts"] = attempt
            logger.warning("%s was undone by %s, attempt %s.", name, undone_by, attempt)
            is_last = attempt >= settings.GOVSITE["TRANSACTION_ATTEMPTS"]
            if is_last or undone_by not in RETRIABLE:
                raise
        # Apart from each other, or the same ones meet again.
        sleep(MAX_FIRST_PAUSE * 2 ** (attempt - 1) * random())  # noqa: S311 - keeps no secret
        attempt += 1
