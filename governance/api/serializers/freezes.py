"""The response serializer of change freezes."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class FreezeStateSerializer(serializers.Serializer[Any]):
    """Whether a change freeze is active; the other fields are null without a freeze."""

    frozen = serializers.BooleanField()
    until = serializers.DateTimeField(
        allow_null=True, help_text="When the freeze ends, unless a founder lifts it earlier."
    )
    reason = serializers.CharField(allow_null=True)
    by = serializers.CharField(allow_null=True, help_text="The founder who started the freeze.")
    since = serializers.DateTimeField(allow_null=True)
