"""RegistryImport, RegistryChange, RegistryValue, PlatformValue: where each value came from."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from django.db import models
from django.db.models import F, Q

from governance.models.fields import ChoiceField, account_key, digest_field, id_field


class Verification(StrEnum):
    """Whether a value of the registry is known to be true of the platform.

    IMPORTED: somebody registered it. REPORTED: the executor of a step reported it. VERIFIED: the
    audit of that step's contract ended with PASS. REFUTED: it ended with FAIL by check A-003, or by
    an auditor who recorded no checks.
    """

    IMPORTED = "IMPORTED"
    REPORTED = "REPORTED"
    VERIFIED = "VERIFIED"
    REFUTED = "REFUTED"


class RegistryImport(models.Model):
    """A registration of capabilities and their configuration, append-only.

    `imported_by` is null for what was registered before imports were recorded, and by a command
    that nobody called by name. PostgreSQL sets `transaction_id`.
    """

    id = id_field()
    imported_at = models.DateTimeField()
    imported_by = account_key(null=True, db_index=False)
    documents_sha256 = digest_field()
    transaction_id = models.BigIntegerField(default=0, editable=False)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"Import of {self.imported_at:%Y-%m-%d %H:%M} UTC"


class RegistryChange(models.Model):
    """A change of one value of the registry, by an import or by a COMPLETED step; append-only.

    The lifecycle of a capability has the empty key. The ids of the contract and its job are no
    foreign keys, because the row stays when they are archived and removed.
    """

    id = models.BigAutoField(primary_key=True)
    scope = models.CharField(max_length=200)
    key = models.CharField(max_length=200, blank=True)
    value = models.JSONField()
    changed_at = models.DateTimeField()
    registry_import = models.ForeignKey(
        RegistryImport, on_delete=models.PROTECT, null=True, db_index=False, related_name="changes"
    )
    contract_id = models.UUIDField(null=True)
    job_id = models.UUIDField(null=True)
    step_index = models.PositiveIntegerField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    registry_import__isnull=True,
                    contract_id__isnull=False,
                    job_id__isnull=False,
                    step_index__isnull=False,
                )
                | Q(
                    registry_import__isnull=False,
                    contract_id=None,
                    job_id=None,
                    step_index=None,
                ),
                name="registry_change_one_origin",
            ),
        ]
        indexes = [models.Index(fields=["scope", "key", "-id"], name="registry_change_newest")]

    def __str__(self) -> str:
        return f"Change {self.pk} of the registry"


class RegistryValue(models.Model):
    """A present value of the registry with its origin; a view (`sql/views/registry_value.sql`).

    `id` is that of the newest `RegistryChange` of the value. `observed_at` is null unless the scope
    was observed after that change.
    """

    id = models.BigIntegerField(primary_key=True)
    scope = models.CharField(max_length=200)
    key = models.CharField(max_length=200)
    value = models.JSONField(null=True)
    changed_at = models.DateTimeField()
    registry_import_id = models.UUIDField(null=True)
    contract_id = models.UUIDField(null=True)
    job_id = models.UUIDField(null=True)
    step_index = models.PositiveIntegerField(null=True)
    verification = ChoiceField(Verification)
    observed_value = models.JSONField(null=True)
    observed_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "governance_registryvalue"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.scope}.{self.key}" if self.key else self.scope


class PlatformValueQuerySet(models.QuerySet["PlatformValue"]):
    def drifting(self) -> Self:
        """Return the values that were observed to be other ones than the recorded ones."""
        differs = Q(observed__isnull=True) | Q(recorded__isnull=True) | ~Q(observed=F("recorded"))
        return self.filter(differs, observed_at__isnull=False)


class PlatformValue(models.Model):
    """A value as it is recorded and as it was observed; a view (`sql/views/platform_value.sql`).

    `value` is what the platform holds as far as anybody knows. A scope and a key are one row.
    """

    pk = models.CompositePrimaryKey("scope", "key")
    scope = models.CharField(max_length=200)
    key = models.CharField(max_length=200)
    origin_id = models.BigIntegerField(null=True)
    recorded = models.JSONField(null=True)
    observed = models.JSONField(null=True)
    observed_at = models.DateTimeField(null=True)
    value = models.JSONField(null=True)

    objects = PlatformValueQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = "governance_platformvalue"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.scope}.{self.key}" if self.key else self.scope
