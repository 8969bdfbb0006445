"""The response serializers of health."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class ActiveSignalSerializer(serializers.Serializer[Any]):
    """An active signal, or what a health rule says: a reason for the health of its scope."""

    scope = serializers.CharField()
    signal_type = serializers.CharField(
        help_text="What the monitor measures; `prometheus rule` for a health rule."
    )
    decision = serializers.CharField(help_text="HEALTHY, DEGRADED or BLOCKED.")
    reason = serializers.CharField()
    recorded_at = serializers.CharField()
    expires_at = serializers.CharField(
        allow_null=True, default=None, help_text="When the signal no longer counts."
    )


class HealthTroubleSerializer(serializers.Serializer[Any]):
    """A reason for which the health could not be read."""

    scope = serializers.CharField(
        allow_null=True, help_text="The scope that nobody can tell; null for all of them."
    )
    reason = serializers.CharField()


class HealthFailureSerializer(HealthTroubleSerializer):
    """A reading that failed within the last 24 hours; the same again counts after ten minutes."""

    observed_at = serializers.DateTimeField()


class HealthStateSerializer(serializers.Serializer[Any]):
    """The platform's health; what was read is null, and `troubles` say why, if nobody can tell."""

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
    troubles = HealthTroubleSerializer(
        many=True, help_text="Why the health could not be read; empty if it was."
    )
    recent_failures = HealthFailureSerializer(
        many=True, help_text="The newest failures to read it, at most 20."
    )
