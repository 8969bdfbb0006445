"""LedgerEntry: an entry of a contract's hash chain; `record/ledger/chain.py` writes it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from governance.models.fields import contract_key


class LedgerEntry(models.Model):
    """An entry of a contract's hash chain (LEDGER).

    `body` is canonical JSON with the value of every column; `hash` = SHA-256(prev_hash ‖ body).
    """

    id = models.BigAutoField(primary_key=True)
    contract = contract_key(
        related_name="ledger_entries",
        db_index=False,
    )
    seq = models.PositiveIntegerField()
    at = models.DateTimeField()
    actor = models.CharField(max_length=200)
    event = models.CharField(max_length=100)
    from_status = models.CharField(max_length=20, blank=True)
    to_status = models.CharField(max_length=20, blank=True)
    reason = models.TextField(blank=True)
    step_index = models.PositiveIntegerField(null=True)
    body = models.TextField()
    prev_hash = models.BinaryField()
    hash = models.BinaryField()

    class Meta:
        verbose_name_plural = "ledger entries"
        ordering = ["contract", "seq"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["contract", "seq"], name="ledger_seq_once"),
            models.UniqueConstraint(
                fields=["contract", "step_index"],
                condition=Q(step_index__isnull=False),
                name="ledger_one_entry_per_step",
            ),
        ]
        indexes = [
            models.Index(
                fields=["contract", "seq"],
                condition=~Q(to_status=""),
                name="ledger_status_entries",
            )
        ]

    def __str__(self) -> str:
        return f"{self.seq}. {self.event}"
