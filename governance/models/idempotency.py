"""IdempotencyRecord: what a call was answered that may be sent again; no part of the record.

`services/idempotency/requests.py` alone writes it. Rows are purged a day later; the chain never
reads them.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from governance.models.fields import digest_field


class IdempotencyRecord(models.Model):
    """The answer to one call, sealed: it may hold an execution token, which is kept nowhere else.

    The client's key is kept only as a hash. Without an answer the call has begun and is made of
    several stories, each with a row of its own.
    """

    key_sha256 = digest_field(primary_key=True)
    # Who called what with which body: the same key for anything else is refused.
    request_sha256 = digest_field()
    status = models.PositiveSmallIntegerField(null=True)
    sealed_answer = models.BinaryField(null=True)
    kept_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(status=None, sealed_answer=None)
                | Q(status__isnull=False, sealed_answer__isnull=False),
                name="idempotency_response_complete",
            )
        ]
        indexes = [models.Index(fields=["kept_at"], name="idempotency_oldest")]

    def __str__(self) -> str:
        return f"Answer {self.status}"
