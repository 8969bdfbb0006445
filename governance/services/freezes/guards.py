"""The guard of a change freeze, and the details that PostgreSQL's refusal lacks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from governance.domain.canonical import timestamp
from governance.domain.errors import ChangeFreezeActiveError
from governance.domain.values import ActiveFreeze
from governance.services.freezes.queries import active_freeze


def refuse_active_freeze(freeze: ActiveFreeze | None) -> None:
    """Refuse an approval, an activation, a claim or a start while `freeze` is active.

    Raises:
        ChangeFreezeActiveError: `freeze` is not None; `until` and `reason` are in the details.
    """
    if freeze is not None:
        raise ChangeFreezeActiveError(
            f"{freeze.by} froze changes until {freeze.until:%Y-%m-%d %H:%M} UTC: {freeze.reason}",
            details={"until": timestamp(freeze.until), "reason": freeze.reason},
        )


@contextmanager
def freeze_error_details(at: datetime) -> Iterator[None]:
    """Add the end and the reason of the freeze to a ChangeFreezeActiveError from PostgreSQL.

    PostgreSQL refuses without them in two cases: a claim, which reads no freeze first, and a move
    that read no freeze because the freeze began between the read and the commit.
    """
    try:
        yield
    except ChangeFreezeActiveError as error:
        if "until" not in error.details:
            refuse_active_freeze(active_freeze(at))
        raise
