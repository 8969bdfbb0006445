"""ContractComment: a person's comment on a contract, without any effect on its status."""

from __future__ import annotations

from django.db import models

from governance.models.constraints import not_empty
from governance.models.fields import account_key, contract_key


class ContractComment(models.Model):
    """A comment on a contract in any status; append-only, and not part of the ledger."""

    id = models.BigAutoField(primary_key=True)
    contract = contract_key(related_name="comments")
    text = models.TextField()
    by = account_key()
    at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        ordering = ["at", "id"]
        constraints = [not_empty("text", name="comment_text_not_empty")]

    def __str__(self) -> str:
        return f"Comment {self.pk}"
