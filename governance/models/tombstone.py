"""ContractTombstone: the row that remains of a contract that was archived and removed."""

from __future__ import annotations

from django.db import models

from governance.domain.values import ContractStatus
from governance.models.constraints import filled_index
from governance.models.fields import ChoiceField, digest_field


class ContractTombstone(models.Model):
    """The head of a removed contract's chain, and the SHA-256 of its archive file.

    Removal is the one exception to append-only. Only the owner of the tables writes a tombstone
    (`record/retention/removal.py`), in the transaction that removes the contract. The tombstone is
    never removed, and the contract's id and names are not used again. A trigger sets `removed_by`
    and `transaction_id`, whatever the INSERT says.
    """

    contract_id = models.UUIDField(primary_key=True)
    reference = models.CharField(max_length=256)
    proposal_digest = digest_field()
    parent_id = models.UUIDField(null=True)
    status = ChoiceField(ContractStatus)
    entries = models.PositiveIntegerField()
    head_sha256 = digest_field()
    file_sha256 = digest_field()
    archived_at = models.DateTimeField()
    removed_at = models.DateTimeField()
    removed_by = models.CharField(max_length=63)
    transaction_id = models.BigIntegerField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["reference", "proposal_digest"], name="tombstone_of_one_proposal"
            ),
        ]
        indexes = [
            filled_index("parent_id", fields=["parent_id"], name="tombstone_of_successor"),
        ]

    def __str__(self) -> str:
        return f"{self.reference}: removed"
