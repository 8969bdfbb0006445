"""AuditEvidence: the sealed evidence of a job, written once, in the transaction that ends it."""

from __future__ import annotations

import json
from typing import Any

from django.db import models

from governance.models.fields import digest_field, one_to_one_field


class AuditEvidence(models.Model):
    """The sealed evidence of a job: `body` is canonical JSON, `sha256` the hash of its UTF-8.

    Evidence has no verdict; only the auditor writes one.
    """

    id = models.BigAutoField(primary_key=True)
    job = one_to_one_field("governance.GovernanceJob", related_name="evidence")
    body = models.TextField()
    sha256 = digest_field()
    collected_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "audit evidence"
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"Evidence {self.sha256[:12]}"

    @property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.body)
        return document
