"""A story: one transaction in which everything of a state change is written, or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from governance.ledger.refusals import translated_refusals


@contextmanager
def story() -> Iterator[None]:
    """Open a transaction, or a savepoint of the one that is open.

    PostgreSQL's refusals come out as the domain's errors, and nothing of the story stays.
    """
    with translated_refusals(), transaction.atomic():
        yield
