"""ContractComment: a person's comment on a contract, without any effect on its status."""

from __future__ import annotations

from django.db import models

from governance.models.constraints import NotEmpty
from governance.models.fields import ContractField, user_field


class ContractComment(models.Model):
    """A comment on a contract in any status; append-only, and not part of the ledger."""

    id = models.BigAutoField(primary_key=True)
    contract = ContractField("governance.SystemContract", related_name="comments")
    text = models.TextField()
    by = user_field()
    at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        ordering = ["at", "id"]
        constraints = [NotEmpty("text", name="comment_text_not_empty")]

    def __str__(self) -> str:
        return f"Comment {self.pk}"
