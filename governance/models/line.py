"""LineFreeze and LineThaw: a founder stops the whole line, and lets it run again; append-only."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import F, Q

from governance.models.constraints import LaterBy
from governance.models.fields import IdField, KeptOneToOneField, user_field
from governance.vocabulary.canonical import timestamp
from governance.vocabulary.values import LONGEST_FREEZE


class FreezeQuerySet(models.QuerySet["LineFreeze"]):
    def in_force(self, at: datetime) -> FreezeQuerySet:
        """The freezes that hold the line at `at`: not over, and not thawed by then."""
        return self.filter(ends_at__gt=at).filter(
            Q(thaw=None) | Q(frozen_at__lte=at, thaw__thawed_at__gt=at)
        )


class LineFreeze(models.Model):
    """No approval, no activation and no start from now until `ends_at`, or until its thaw.

    Freezes may overlap: the line stands still while any one of them is in force.
    """

    id = IdField()
    reason = models.TextField()
    frozen_by = user_field()
    frozen_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    objects = FreezeQuerySet.as_manager()

    class Meta:
        verbose_name = "freeze of the line"
        verbose_name_plural = "freezes of the line"
        ordering = ["-frozen_at", "-id"]
        # Whoever sees contracts sees whether they move; founders freeze (review/policy.py).
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    ends_at__gt=F("frozen_at"), ends_at__lte=LaterBy("frozen_at", LONGEST_FREEZE)
                ),
                name="line_freeze_in_bounds",
            ),
            models.CheckConstraint(condition=Q(reason__regex=r"\S"), name="line_freeze_has_reason"),
        ]
        indexes = [models.Index(fields=["ends_at"], name="line_freeze_end")]

    def __str__(self) -> str:
        return f"Freeze of {self.frozen_at:%Y-%m-%d %H:%M}"

    def as_record(self) -> dict[str, Any]:
        return {
            "id": str(self.pk),
            "reason": self.reason,
            "frozen_by": self.frozen_by_id,
            "frozen_at": timestamp(self.frozen_at),
            "ends_at": timestamp(self.ends_at),
        }


class LineThaw(models.Model):
    """A founder ends a freeze before its time; once. The freeze stays as it was."""

    id = models.BigAutoField(primary_key=True)
    freeze = KeptOneToOneField(LineFreeze, related_name="thaw")
    reason = models.TextField()
    thawed_by = user_field()
    thawed_at = models.DateTimeField()

    class Meta:
        verbose_name = "thaw of the line"
        verbose_name_plural = "thaws of the line"
        default_permissions = ()
        constraints = [
            models.CheckConstraint(condition=Q(reason__regex=r"\S"), name="line_thaw_has_reason")
        ]

    def __str__(self) -> str:
        return f"Thaw of {self.thawed_at:%Y-%m-%d %H:%M}"

    def as_record(self) -> dict[str, Any]:
        return {
            "freeze": str(self.freeze_id),
            "reason": self.reason,
            "thawed_by": self.thawed_by_id,
            "thawed_at": timestamp(self.thawed_at),
        }
