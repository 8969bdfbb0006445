"""The clock of a test's database, which is adjustable (`governance/db/clock.py`)."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import ParamSpec, TypeVar, cast

from django.db import DatabaseError

from governance.db.clock import set_time

P = ParamSpec("P")
R = TypeVar("R")


_moment: ContextVar[datetime | None] = ContextVar("moment", default=None)


def now() -> datetime:
    """Return the time that the clock of this thread's session shows, as far as a test set it."""
    return _moment.get() or datetime.now(UTC)


@contextmanager
def clock_at(moment: datetime | None) -> Iterator[None]:
    """Run the block as if it were `moment`; None leaves the clock as it is."""
    if moment is None:
        yield
        return
    token = _moment.set(moment)
    set_time(moment)
    try:
        yield
    finally:
        _moment.reset(token)
        # In an aborted transaction this fails, and its rollback restores the setting.
        with suppress(DatabaseError):
            set_time(_moment.get())


def as_of(
    moment: datetime | None, operation: Callable[P, R], *args: P.args, **kwargs: P.kwargs
) -> R:
    """Call an operation as if it were `moment`; None is the time that the clock shows.

    A generator, such as a sweep, is run to its end as of then.
    """
    with clock_at(moment):
        result = operation(*args, **kwargs)
        return cast(R, iter(list(result))) if isinstance(result, Generator) else result
