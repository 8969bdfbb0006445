"""JobStep: a step of a job's plan, written once, together with the job."""

from __future__ import annotations

from typing import Any

from django.db import models

from governance.models.fields import job_key


class JobStep(models.Model):
    """A step to execute; its StepResult says how the execution ended."""

    id = models.BigAutoField(primary_key=True)
    job = job_key(related_name="steps", db_index=False)
    step_index = models.PositiveIntegerField()
    step_type = models.CharField(max_length=50)
    target = models.CharField(max_length=200)
    change = models.JSONField()
    timeout_seconds = models.PositiveIntegerField()
    rollback_action = models.JSONField(null=True)
    # The `name_key` of each key that the step sets, for a new row of the registry. Not part of the
    # hashed record.
    name_keys = models.JSONField(null=True)

    class Meta:
        ordering = ["job", "step_index"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["job", "step_index"], name="step_index_once"),
        ]

    def __str__(self) -> str:
        return f"Step {self.step_index}: {self.step_type} {self.target}"

    def as_record(self) -> dict[str, Any]:
        return {
            "step_index": self.step_index,
            "step_type": self.step_type,
            "target": self.target,
            "change": self.change,
            "timeout_seconds": self.timeout_seconds,
            "rollback_action": self.rollback_action,
        }
