"""The response serializers of health."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class ActiveSignalSerializer(serializers.Serializer[Any]):
    """An active signal, which is a reason for the health of its scope."""

    scope = serializers.CharField()
    signal_type = serializers.CharField()
    decision = serializers.CharField(help_text="HEALTHY, DEGRADED or BLOCKED.")
    reason = serializers.CharField()
    recorded_at = serializers.CharField()
    expires_at = serializers.CharField(
        allow_null=True, default=None, help_text="When the signal no longer counts."
    )


class HealthStateSerializer(serializers.Serializer[Any]):
    """The platform's health; everything but `known` is null if it could not be read."""

    known = serializers.BooleanField(help_text="Whether the health could be read.")
    observed_at = serializers.DateTimeField(allow_null=True, default=None)
    system = serializers.CharField(
        allow_null=True, default=None, help_text="HEALTHY, DEGRADED or BLOCKED."
    )
    capabilities = serializers.DictField(
        child=serializers.CharField(),
        allow_null=True,
        default=None,
        help_text="The decision on the capability that was asked for.",
    )
    signals = ActiveSignalSerializer(many=True, allow_null=True, default=None)
