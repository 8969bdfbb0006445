"""The guard of a change freeze."""

from __future__ import annotations

from governance.domain.canonical import timestamp
from governance.domain.errors import ChangeFreezeActiveError
from governance.domain.values import ActiveFreeze


def refuse_active_freeze(freeze: ActiveFreeze | None) -> None:
    """Refuse an approval while `freeze` is active; `active_freezes.sql` refuses all other moves.

    Raises:
        ChangeFreezeActiveError: `freeze` is not None; `until` and `reason` are in the details.
    """
    if freeze is not None:
        raise ChangeFreezeActiveError(
            f"{freeze.by} froze changes until {freeze.until:%Y-%m-%d %H:%M} UTC: {freeze.reason}",
            details={"until": timestamp(freeze.until), "reason": freeze.reason},
        )
