"""Observations: what the health authority saw of the scopes of a job, as rows of the job."""

from __future__ import annotations

import json
from collections.abc import Sequence
from uuid import UUID

from governance.db.rows import fetch_rows
from governance.db.transactions import retried
from governance.domain.observations import ObservationPhase, ObservedScope


@retried
def record_observations(
    job_id: UUID,
    observed: Sequence[ObservedScope],
    *,
    phase: ObservationPhase,
    step_index: int | None = None,
) -> None:
    """Record what was observed of a RUNNING job; those of the phase AFTER are written at its end.

    Args:
        step_index: the step after which it was observed, in the phase STEP.

    Raises:
        IntegrityViolationError: PostgreSQL refuses the observation at this point of the job.
    """
    fetch_rows(
        "SELECT governance_record_observations(%s, %s, %s, %s)",
        [job_id, str(phase), step_index, json.dumps([one.as_record() for one in observed])],
    )
