"""HealthSnapshot: the platform's health before and after a job; written once (JOB-005)."""

from __future__ import annotations

from typing import Any

from django.db import models

from governance.domain.canonical import timestamp
from governance.domain.values import SnapshotPhase
from governance.models.constraints import closed_set
from governance.models.fields import ChoiceField, job_key


class HealthSnapshot(models.Model):
    """A reading of the health authority, which the orchestrator stores with the job."""

    id = models.BigAutoField(primary_key=True)
    job = job_key(related_name="snapshots", db_index=False)
    phase = ChoiceField(SnapshotPhase)
    reading = models.JSONField()
    observed_at = models.DateTimeField()

    class Meta:
        default_permissions = ("view",)
        constraints = [
            closed_set("phase", SnapshotPhase, name="snapshot_phase_known"),
            models.UniqueConstraint(fields=["job", "phase"], name="snapshot_once_per_phase"),
        ]

    def __str__(self) -> str:
        return f"Health {self.phase}"

    def as_record(self) -> dict[str, Any]:
        return {
            "job_id": str(self.job_id),
            "phase": str(self.phase),
            "reading": self.reading,
            "observed_at": timestamp(self.observed_at),
        }
