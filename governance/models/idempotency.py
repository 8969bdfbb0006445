"""IdempotencyRecord: the stored response of a request with an `Idempotency-Key`.

Only `services/idempotency/` writes it. It is not part of the record: no authority reads it, and
the command `purge_idempotency_keys` deletes rows older than a day.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from governance.models.fields import digest_field


class IdempotencyRecord(models.Model):
    """The response to one request, encrypted, because it may contain an execution token.

    The client's key is stored only as a hash. A row without a response is of a request that has
    begun and consists of several transactions, each with a row of its own.
    """

    key_sha256 = digest_field(primary_key=True)
    # The hash of account, path and body: the same key with another request is refused.
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
