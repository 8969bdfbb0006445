"""RollbackAuthorisation: a founder's approval of a rollback, given with the signature."""

from __future__ import annotations

from typing import Any

from django.db import models

from governance.domain.canonical import load_json
from governance.models.constraints import not_empty
from governance.models.fields import account_key, contract_key, digest_field, one_to_one_field
from governance.models.signature import ApprovalSignature


class RollbackAuthorisation(models.Model):
    """What a founder authorised beside a signature: the rollback of the whole plan; append-only.

    `body` is canonical JSON with the contract, the founder, the number of the signature, the end
    and the steps of the rollback, exactly the text that `sha256` hashes. The signature's record has
    that digest, so the ledger covers it.
    """

    id = models.BigAutoField(primary_key=True)
    contract = contract_key(related_name="rollback_authorisations")
    signature = one_to_one_field(ApprovalSignature, related_name="rollback_authorisation")
    founder = account_key(db_index=False)
    ends_at = models.DateTimeField()
    body = models.TextField()
    sha256 = digest_field(unique=True)

    class Meta:
        # The permission to view a contract includes its signatures, and these with them.
        default_permissions = ()
        ordering = ["id"]
        constraints = [not_empty("body", name="rollback_authorisation_not_empty")]

    def __str__(self) -> str:
        return f"Rollback authorisation of signature {self.signature_id}"

    @property
    def steps(self) -> list[dict[str, Any]]:
        """The changes of the authorised rollback, in order."""
        steps: list[dict[str, Any]] = load_json(self.body)["steps"]
        return steps
