"""The response serializer of the registry's values."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from governance.api.fields import JsonValueField
from governance.api.sparse_fields import RowSerializer, SparseFieldsSerializer
from governance.models import RegistryValue
from governance.services.registry.secret_keys import visible_value


@extend_schema_field({})
class PresentValueField(JsonValueField):
    """The present value, or a mark in place of a secret that an earlier version took in clear."""

    def get_attribute(self, instance: RegistryValue) -> Any:
        return visible_value(instance.key, instance.value)


@extend_schema_field({})
class ObservedValueField(JsonValueField):
    """The observed value, or a mark in place of what is a secret."""

    def get_attribute(self, instance: RegistryValue) -> Any:
        return visible_value(instance.key, instance.observed_value)


class RegistryValueSerializer(SparseFieldsSerializer, RowSerializer[RegistryValue]):
    """A value of the registry, where it came from, and whether it is verified."""

    key = serializers.CharField(
        help_text="The configuration key; empty for the lifecycle of the capability `scope`."
    )
    value = PresentValueField(help_text="The value as it is recorded; null is no value.")
    verification = serializers.CharField(
        help_text="IMPORTED: it was registered. REPORTED: a step of the contract set it, and its "
        "audit has not ended with PASS or FAIL, or with a FAIL of other checks. VERIFIED: the "
        "audit ended with PASS. REFUTED: it ended with FAIL, because something else than the plan "
        "was carried out (A-003), or with a FAIL without checks."
    )

    observed = ObservedValueField(
        source="observed_value",
        help_text="What the platform held at `observed_at`; null is no value. If it is not "
        "`value`, the platform drifts. A secret other than the recorded one is an HMAC.",
    )
    observed_at = serializers.DateTimeField(
        allow_null=True,
        help_text="When the platform was last observed; null unless that was after `changed_at`.",
    )

    class Meta:
        model = RegistryValue
        fields: tuple[str, ...] = (
            "scope",
            "key",
            "value",
            "changed_at",
            "verification",
            "registry_import_id",
            "contract_id",
            "job_id",
            "step_index",
            "observed",
            "observed_at",
        )
