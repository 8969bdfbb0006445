"""HealthFailure: when and why nobody could tell the health of a scope."""

from __future__ import annotations

from django.db import models

from governance.domain.visible_text import visible_text
from governance.models.constraints import not_empty


class HealthFailure(models.Model):
    """A failed reading of health; without a scope, it was that of every scope.

    The same failure of a scope is recorded again after some minutes only.
    """

    id = models.BigAutoField(primary_key=True)
    scope = models.CharField(max_length=200, blank=True)
    reason = models.CharField(max_length=300)
    observed_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        # The permission to view signals includes failures.
        default_permissions = ()
        constraints = [not_empty("reason", name="health_failure_has_reason")]
        indexes = [models.Index(fields=["observed_at"], name="health_failure_newest")]

    def __str__(self) -> str:
        return visible_text(f"{self.scope}: {self.reason}" if self.scope else self.reason)
