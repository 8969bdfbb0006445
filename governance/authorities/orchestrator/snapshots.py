"""Health snapshots: the readings of the health authority as rows of a job."""

from __future__ import annotations

from typing import Any

from governance.domain.canonical import timestamp
from governance.domain.values import HealthReading, SnapshotPhase
from governance.models import GovernanceJob, HealthSnapshot


def snapshot_of(job: GovernanceJob, phase: SnapshotPhase, reading: HealthReading) -> HealthSnapshot:
    """Return the unsaved row that stores `reading` for `job`."""
    return HealthSnapshot(
        job_id=job.pk,
        phase=phase,
        observed_at=reading.observed_at,
        reading=reading_record(reading),
    )


def reading_record(reading: HealthReading) -> dict[str, Any]:
    """Return a reading as JSON, as snapshots and the evidence have it."""
    return {
        "observed_at": timestamp(reading.observed_at),
        "system": str(reading.system),
        "capabilities": {
            name: str(decision) for name, decision in sorted(reading.capabilities.items())
        },
        "signals": [dict(signal) for signal in reading.signals],
    }
