"""GovernanceSignal: a monitor's health decision on a scope, until it expires or is superseded."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from governance.domain.values import HealthDecision
from governance.domain.visible_text import visible_text
from governance.models.constraints import closed_set
from governance.models.fields import ChoiceField, account_key


class GovernanceSignal(models.Model):
    """A health signal; of a scope and type, one at most is not superseded."""

    id = models.BigAutoField(primary_key=True)
    scope = models.CharField(max_length=200)
    signal_type = models.CharField(max_length=100)
    decision = ChoiceField(HealthDecision)
    reason = models.TextField(blank=True)
    recorded_by = account_key()
    recorded_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    superseded_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "health signal"
        ordering = ["-recorded_at", "-id"]
        default_permissions = ("view",)
        permissions = [("record_signal", "Can record health signals")]
        constraints = [
            closed_set("decision", HealthDecision, name="signal_decision_known"),
            models.CheckConstraint(
                condition=Q(expires_at=None) | Q(expires_at__gt=F("recorded_at")),
                name="signal_expires_later",
            ),
            models.UniqueConstraint(
                fields=["scope", "signal_type"],
                condition=Q(superseded_at=None),
                name="signal_one_active",
            ),
        ]
        indexes = [models.Index(fields=["scope", "recorded_at"], name="signal_of_scope")]

    def __str__(self) -> str:
        return visible_text(f"{self.scope} {self.signal_type}: {self.decision}")
