"""Notice: a line of text for one person about something that happened; not part of the record."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from governance.domain.values import MAX_NOTICE_LENGTH, NoticeKind
from governance.models.constraints import closed_set, not_empty
from governance.models.fields import ChoiceField, account_key, contract_key


class Notice(models.Model):
    """A notice to an account, unread while `read_at` is null; otherwise append-only.

    No ledger entry covers it and no archive holds it: the record says what happened, a notice only
    that somebody should look. It leaves the database with its contract.
    """

    id = models.BigAutoField(primary_key=True)
    account = account_key(db_index=False)
    kind = ChoiceField(NoticeKind)
    text = models.CharField(max_length=MAX_NOTICE_LENGTH)
    contract = contract_key(null=True, related_name="notices")
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)

    class Meta:
        # Everybody reads their own notices, and nobody another's.
        default_permissions = ()
        ordering = ["-id"]
        constraints = [
            closed_set("kind", NoticeKind, name="notice_kind_known"),
            not_empty("text", name="notice_text_not_empty"),
        ]
        indexes = [
            models.Index(fields=["account", "id"], name="notice_of_account"),
            models.Index(fields=["account", "id"], condition=Q(read_at=None), name="notice_unread"),
        ]

    def __str__(self) -> str:
        return f"Notice {self.pk}"
