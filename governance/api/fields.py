"""Serializer fields that refuse a value of another type instead of converting it.

DRF's own fields convert text to numbers and numbers to text, as HTML forms need it. The record
must keep what was sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.settings import api_settings

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)

# Patterns for the schema: text without NUL, and such text that Python's `strip` does not empty.
NO_NUL = r"^[^\u0000]*$"
NOT_BLANK = r"^[^\u0000]*[^\s\u0000\u001c-\u001f\u0085][^\u0000]*$"

MESSAGES: dict[str, Any] = {"required": "is required", "null": "must not be null"}


LIST_MESSAGES: dict[str, Any] = MESSAGES | {
    "not_a_list": "must be a list",
    "empty": "must not be empty",
    "min_length": "must have at least {min_length} items",
    "max_length": "must have at most {max_length} items",
}


class StrictSerializer(serializers.Serializer[Any]):
    """A request body: an object that has no other fields than the declared ones."""

    default_error_messages = MESSAGES | {"invalid": "must be an object"}

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping):
            raise serializers.ValidationError(
                {api_settings.NON_FIELD_ERRORS_KEY: [self.error_messages["invalid"]]}
            )
        if unknown := sorted(set(data) - set(self.fields)):
            raise serializers.ValidationError(dict.fromkeys(unknown, "is not a known field"))
        return super().to_internal_value(data)


class StrictCharField(serializers.CharField):
    """Text, kept with the white space around it; the schema describes it by `pattern`."""

    pattern = NO_NUL
    default_error_messages = MESSAGES | {
        "invalid": "must be text",
        "blank": "must not be empty",
        "max_length": "must have at most {max_length} characters",
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(trim_whitespace=False, **options)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Sha256Field(StrictCharField):
    """A SHA-256 as 64 lowercase hexadecimal digits."""

    pattern = "^[0-9a-f]{64}$"
    default_error_messages = MESSAGES | {"invalid": "must be 64 hexadecimal digits (0-9, a-f)"}

    def __init__(self, **options: Any) -> None:
        super().__init__(min_length=64, max_length=64, **options)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if isinstance(data, str) and not _DIGEST.fullmatch(data):
            self.fail("invalid")
        return super().run_validation(data)


@extend_schema_field(OpenApiTypes.UUID)
class StrictUUIDField(serializers.Field[UUID, Any, str, Any]):
    """A UUID in its canonical form with hyphens."""

    default_error_messages = MESSAGES | {"invalid": "must be a UUID"}

    def to_internal_value(self, data: Any) -> UUID:
        if not isinstance(data, str) or not _UUID.fullmatch(data):
            self.fail("invalid")
        return UUID(data)


class StrictIntegerField(serializers.IntegerField):
    """An integer as JSON Schema defines it: 5 and 5.0 are equal; `true` and `"5"` are refused."""

    default_error_messages = MESSAGES | {
        "invalid": "must be a whole number",
        "min_value": "must be at least {min_value}",
        "max_value": "must be at most {max_value}",
    }

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, float) and data.is_integer():
            data = int(data)
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictChoiceField(serializers.ChoiceField):
    """One value of an enumeration."""

    default_error_messages = MESSAGES

    def __init__(self, words: type[StrEnum] | tuple[StrEnum, ...], **options: Any) -> None:
        choices = [str(word) for word in words]
        super().__init__(choices, **options)
        self.error_messages["invalid_choice"] = "must be one of " + ", ".join(choices)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid_choice", input=data)
        return str(super().to_internal_value(data))


@extend_schema_field(OpenApiTypes.DATETIME)
class StrictDateTimeField(serializers.Field[datetime, Any, str, Any]):
    """A time in RFC 3339 with a time zone; digits beyond microseconds are dropped."""

    default_error_messages = MESSAGES | {
        "invalid": "must be a time in RFC 3339 with a time zone, as in 2026-11-02T09:00:00Z"
    }

    def to_internal_value(self, data: Any) -> datetime:
        if not isinstance(data, str) or not _RFC_3339.fullmatch(data):
            self.fail("invalid")
        try:
            return datetime.fromisoformat(data.upper()).astimezone(UTC)
        except (ValueError, OverflowError):  # such as 30 February, or the year 0 in UTC
            self.fail("invalid")


class JsonValueField(serializers.Field[Any, Any, Any, Any]):
    """Any JSON value, including `null`; the parser has refused what cannot be stored."""

    default_error_messages = MESSAGES

    def validate_empty_values(self, data: Any) -> tuple[bool, Any]:
        # DRF treats `null` as a missing value; here it is a value like any other.
        return (True, None) if data is None else super().validate_empty_values(data)

    def to_internal_value(self, data: Any) -> Any:
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class JsonObjectField(serializers.Field[dict[str, Any], Any, Any, Any]):
    """A JSON object with any fields."""

    default_error_messages = MESSAGES | {"invalid": "must be an object"}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("invalid")
        return data
