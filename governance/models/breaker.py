"""HandlerBreaker and BreakerEvent: whether a handler's faults keep it from further jobs."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from governance.domain.breaker import BreakerState
from governance.domain.values import MIN_REASON_LENGTH
from governance.domain.visible_text import visible_text
from governance.models.constraints import closed_set, filled_only_when, filled_when
from governance.models.fields import ChoiceField, account_key, id_field

MAX_HANDLER_LENGTH = 200


class HandlerBreaker(models.Model):
    """The circuit breaker of a handler: its state, and its last fault.

    `jobs_in_flight` are the jobs that the handler was admitted to; one counts while it is RUNNING.
    `last_fault_job` is no foreign key, because the breaker stays when a contract is removed.
    """

    id = id_field()
    handler = models.CharField(max_length=MAX_HANDLER_LENGTH, unique=True)
    state = ChoiceField(BreakerState, default=BreakerState.CLOSED)
    faults_in_a_row = models.PositiveIntegerField(default=0)
    jobs_in_flight = ArrayField(models.UUIDField(), default=list)
    last_fault = models.TextField(blank=True)
    last_fault_at = models.DateTimeField(null=True)
    last_fault_job = models.UUIDField(null=True)

    class Meta:
        verbose_name = "circuit breaker"
        verbose_name_plural = "circuit breakers"
        ordering = ["handler"]
        # The permission to view jobs includes breakers, and only operators close them
        # (services/breakers/operations.py).
        default_permissions = ()
        constraints = [
            closed_set("state", BreakerState, name="breaker_state_known"),
            filled_when(
                "state",
                [BreakerState.CAREFUL, BreakerState.OPEN],
                ["last_fault_at", "last_fault_job"],
                name="breaker_has_fault",
            ),
        ]

    def __str__(self) -> str:
        return visible_text(f"Circuit breaker of {self.handler}")


class BreakerEvent(models.Model):
    """An opening or a closing of a breaker; append-only.

    `state` is the state that the breaker took: OPEN after a fault, which `text` and `fault_job`
    describe, or CAREFUL after an operator closed it, for the reason in `text`.
    """

    id = models.BigAutoField(primary_key=True)
    breaker = models.ForeignKey(HandlerBreaker, on_delete=models.PROTECT, related_name="events")
    state = ChoiceField(BreakerState)
    at = models.DateTimeField()
    text = models.TextField()
    fault_job = models.UUIDField(null=True)
    closed_by = account_key(null=True)

    class Meta:
        verbose_name = "breaker event"
        ordering = ["-id"]
        default_permissions = ()
        constraints = [
            filled_only_when(
                "state", [BreakerState.CAREFUL], ["closed_by"], name="breaker_closed_by_person"
            ),
            models.CheckConstraint(
                condition=Q(state="OPEN", fault_job__isnull=False)
                | Q(state="CAREFUL", text__regex=rf"\S.{{{MIN_REASON_LENGTH - 2},}}\S"),
                name="breaker_event_has_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.state} at {self.at:%Y-%m-%d %H:%M}"
