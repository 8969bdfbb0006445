"""TakenReference: a reference that belongs to one contract for good."""

from __future__ import annotations

from django.db import models

from governance.domain.names import MAX_REFERENCE_LENGTH
from governance.models.fields import NameKeyField


class TakenReference(models.Model):
    """A contract's reference, which no other contract can have, nor one that looks like it.

    The row stays when the contract is archived and removed, so `contract_id` is no foreign key. A
    contract of an earlier version whose reference another one had before has no row.
    """

    name_key = NameKeyField(of="reference", primary_key=True)
    reference = models.CharField(max_length=MAX_REFERENCE_LENGTH, unique=True)
    contract_id = models.UUIDField(unique=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.reference
