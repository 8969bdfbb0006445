"""StepResult: an executor's report of one step; append-only."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import F, Q

from governance.domain.canonical import timestamp
from governance.domain.values import StepReport, StepStatus
from governance.models.constraints import closed_set
from governance.models.fields import ChoiceField, account_key, job_key


class StepResult(models.Model):
    """The recorded report of one executed step, exactly one per step (JOB-004)."""

    id = models.BigAutoField(primary_key=True)
    job = job_key(related_name="results", db_index=False)
    step_index = models.PositiveIntegerField()
    status = ChoiceField(StepStatus)
    started_at = models.DateTimeField()
    completed_at = models.DateTimeField()
    output = models.JSONField(null=True)
    error = models.TextField(blank=True)
    health_after = models.JSONField(null=True)
    recorded_at = models.DateTimeField()
    recorded_by = account_key(db_index=False)

    class Meta:
        ordering = ["job", "step_index"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["job", "step_index"], name="result_once_per_step"),
            closed_set(
                "status",
                [StepStatus.COMPLETED, StepStatus.FAILED],
                name="result_completed_or_failed",
            ),
            models.CheckConstraint(
                condition=Q(completed_at__gte=F("started_at")), name="result_ends_after_start"
            ),
        ]

    def __str__(self) -> str:
        return f"Result of step {self.step_index}: {self.status}"

    def report(self) -> StepReport:
        """Return the recorded report, to compare a repeated report with it."""
        return StepReport(
            step_index=self.step_index,
            status=StepStatus(self.status),
            started_at=self.started_at,
            completed_at=self.completed_at,
            output=self.output,
            error=self.error,
            health_after=self.health_after,
        )

    def as_record(self) -> dict[str, Any]:
        return {
            "job_id": str(self.job_id),
            "step_index": self.step_index,
            "status": str(self.status),
            "started_at": timestamp(self.started_at),
            "completed_at": timestamp(self.completed_at),
            "output": self.output,
            "error": self.error,
            "health_after": self.health_after,
            "recorded_at": timestamp(self.recorded_at),
            "recorded_by": self.recorded_by_id,
        }
