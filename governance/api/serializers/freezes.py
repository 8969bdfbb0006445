"""How the line's state is answered."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class FreezeStateSerializer(serializers.Serializer[Any]):
    """Whether the line stands still; the rest is null while it runs."""

    frozen = serializers.BooleanField()
    until = serializers.DateTimeField(
        allow_null=True, help_text="When it runs again, unless a founder thaws it before."
    )
    reason = serializers.CharField(allow_null=True)
    by = serializers.CharField(allow_null=True, help_text="The founder who stopped it.")
    since = serializers.DateTimeField(allow_null=True)
