"""ChangeFreeze and FreezeLift: a founder freezes all changes, and lifts the freeze; append-only."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import F, Q

from governance.domain.canonical import timestamp
from governance.domain.values import MAX_FREEZE
from governance.models.fields import account_key, id_field, one_to_one_field


class ChangeFreeze(models.Model):
    """A change freeze: no approval, activation or start until `ends_at` or until it is lifted.

    Freezes may overlap; changes stop while at least one is active (FREEZE).
    """

    id = id_field()
    reason = models.TextField()
    started_by = account_key()
    started_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    class Meta:
        verbose_name = "change freeze"
        verbose_name_plural = "change freezes"
        ordering = ["-started_at", "-id"]
        # The permission to view contracts includes freezes, and only founders start and lift them
        # (services/freezes/operations.py).
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("started_at"), ends_at__lte=F("started_at") + MAX_FREEZE),
                name="change_freeze_in_bounds",
            ),
            models.CheckConstraint(
                condition=Q(reason__regex=r"\S"), name="change_freeze_has_reason"
            ),
        ]
        indexes = [models.Index(fields=["ends_at"], name="change_freeze_end")]

    def __str__(self) -> str:
        return f"Change freeze of {self.started_at:%Y-%m-%d %H:%M}"

    def as_record(self) -> dict[str, Any]:
        return {
            "id": str(self.pk),
            "reason": self.reason,
            "started_by": self.started_by_id,
            "started_at": timestamp(self.started_at),
            "ends_at": timestamp(self.ends_at),
        }


class FreezeLift(models.Model):
    """The early end of a freeze by a founder; one per freeze. The freeze's row does not change."""

    id = models.BigAutoField(primary_key=True)
    freeze = one_to_one_field(ChangeFreeze, related_name="lift")
    reason = models.TextField()
    lifted_by = account_key()
    lifted_at = models.DateTimeField()

    class Meta:
        verbose_name = "freeze lift"
        verbose_name_plural = "freeze lifts"
        default_permissions = ()
        constraints = [
            models.CheckConstraint(condition=Q(reason__regex=r"\S"), name="freeze_lift_has_reason")
        ]

    def __str__(self) -> str:
        return f"Freeze lift of {self.lifted_at:%Y-%m-%d %H:%M}"

    def as_record(self) -> dict[str, Any]:
        return {
            "freeze": str(self.freeze_id),
            "reason": self.reason,
            "lifted_by": self.lifted_by_id,
            "lifted_at": timestamp(self.lifted_at),
        }
