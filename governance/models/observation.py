"""Observation and ObservedState: what the scopes of a platform really held."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q

from governance.domain.canonical import timestamp
from governance.domain.observations import ObservationPhase
from governance.models.constraints import closed_set
from governance.models.fields import ChoiceField, job_key


def either_state_or_trouble(*, name: str) -> models.CheckConstraint:
    """Check that a row has a state, or a text that says why there is none."""
    return models.CheckConstraint(
        condition=Q(state__isnull=False, trouble="") | Q(state__isnull=True) & ~Q(trouble=""),
        name=name,
    )


class Observation(models.Model):
    """What an observer saw of a scope of a job, or why it saw nothing; append-only.

    `step_index` is null unless the phase is STEP. The evidence of the job contains all of them.
    """

    id = models.BigAutoField(primary_key=True)
    job = job_key(related_name="observations", db_index=False)
    phase = ChoiceField(ObservationPhase)
    step_index = models.PositiveIntegerField(null=True)
    scope = models.CharField(max_length=200)
    observer = models.CharField(max_length=100)
    state = models.JSONField(null=True)
    trouble = models.TextField(blank=True)
    observed_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        # The permission to view a job includes its observations.
        default_permissions = ()
        constraints = [
            closed_set("phase", ObservationPhase, name="observation_phase_known"),
            either_state_or_trouble(name="observation_state_or_trouble"),
            models.CheckConstraint(
                condition=Q(phase="STEP", step_index__isnull=False)
                | ~Q(phase="STEP") & Q(step_index=None),
                name="observation_of_step_has_index",
            ),
            models.UniqueConstraint(
                fields=["job", "phase", "step_index", "scope", "observer"],
                nulls_distinct=False,
                name="observation_once_per_phase",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.phase}"

    def as_record(self) -> dict[str, Any]:
        """Return the observation as the evidence has it."""
        record = {
            "scope": self.scope,
            "observer": self.observer,
            "state": self.state,
            "observed_at": timestamp(self.observed_at),
            "trouble": self.trouble,
        }
        return record if self.step_index is None else record | {"step_index": self.step_index}


class ObservedState(models.Model):
    """The newest observation of a scope on a platform outside of this database.

    It is no part of the record: each observation replaces the one before it.
    """

    id = models.BigAutoField(primary_key=True)
    scope = models.CharField(max_length=200, unique=True)
    observer = models.CharField(max_length=100)
    state = models.JSONField(null=True)
    trouble = models.TextField(blank=True)
    observed_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [either_state_or_trouble(name="observed_state_or_trouble")]

    def __str__(self) -> str:
        return self.scope
