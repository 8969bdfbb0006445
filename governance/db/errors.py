"""Translation of PostgreSQL's errors into errors of the domain, by constraint or database guard.

The Python guards check first and have better messages. This translation is for writes that pass
them, such as two requests that race: the caller still gets an error of the domain.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import IntegrityError, OperationalError

from governance.domain import errors

CONSTRAINT_ERRORS: dict[str, type[errors.GovernanceError]] = {
    constraint: error_class
    for error_class in errors.every_error()
    for constraint in error_class.constraints
}

# The SQLSTATEs with which PostgreSQL rolls back a transaction because of others or of a limit.
UNDONE_BY: dict[str, str] = {
    "40001": "serialization_failure",
    "40P01": "deadlock",
    "55P03": "lock_timeout",
    "57014": "statement_timeout",
}


@contextmanager
def translated_errors() -> Iterator[None]:
    """Translate an error of PostgreSQL inside the block into an error of the domain.

    Raises:
        GovernanceError: the class that `CONSTRAINT_ERRORS` has for the constraint; otherwise
            IntegrityViolationError.
        BusyError: if PostgreSQL rolled back with an SQLSTATE of `UNDONE_BY`.
    """
    try:
        yield
    except IntegrityError as error:
        constraint = constraint_name(error)
        if constraint is None:
            raise
        error_class = CONSTRAINT_ERRORS.get(constraint, errors.IntegrityViolationError)
        refusal = error_class(str(error).splitlines()[0])
        refusal.details |= _details(error) | {"constraint": constraint}
        raise refusal from error
    except OperationalError as error:
        undone_by = UNDONE_BY.get(getattr(error.__cause__, "sqlstate", None) or "")
        if undone_by is None:
            raise
        raise errors.BusyError(
            "Another transaction was in the way, and nothing was written; retry.",
            details={"undone_by": undone_by},
        ) from error


def _details(error: IntegrityError) -> dict[str, Any]:
    """Return the details that `governance_refuse` gave; an error of a constraint has none."""
    diagnosis = getattr(error.__cause__, "diag", None)
    try:
        return dict(json.loads(diagnosis.message_detail)) if diagnosis else {}
    except (TypeError, ValueError):  # PostgreSQL's own details are a sentence
        return {}


def constraint_name(error: IntegrityError) -> str | None:
    """Return the constraint or database guard that PostgreSQL named, if any."""
    diagnosis = getattr(error.__cause__, "diag", None)
    return diagnosis.constraint_name if diagnosis else None
