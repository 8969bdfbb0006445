"""The flow by which a founder lifts change freezes, so that what waited for the end goes on."""

from __future__ import annotations

from uuid import UUID

from governance.authorities.orchestrator.queries import enqueue_waiting_runs
from governance.models import Account, FreezeLift
from governance.services.freezes.operations import lift_active_freezes, lift_freeze


def lift_freezes(*, freeze_id: UUID | None, reason: str, founder: Account) -> list[FreezeLift]:
    """Lift a change freeze, or every active one, and enqueue the jobs that wait for a worker.

    They are enqueued after the lift is committed, because a task that a worker takes before that is
    refused and ends.

    Args:
        freeze_id: the freeze to lift; None is every active one.

    Raises:
        GovernanceError: any error of `lift_freeze` or `lift_active_freezes`.
    """
    if freeze_id is None:
        lifts = lift_active_freezes(reason=reason, founder=founder)
    else:
        lifts = [lift_freeze(freeze_id=freeze_id, reason=reason, founder=founder)]
    enqueue_waiting_runs()
    return lifts
