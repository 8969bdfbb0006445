"""Digests of values that were stored as jsonb, which changes numbers and the order of keys."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from psycopg.types.json import Jsonb

from governance.domain.canonical import canonical_text, digest
from tests.support.json_values import plain_json

pytestmark = pytest.mark.django_db


def there_and_back(value: Any) -> Any:
    """Return the value as psycopg reads it from a jsonb column."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT (%s::jsonb)::text", [Jsonb(value)])
        text: str = cursor.fetchone()[0]
    return json.loads(text)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(plain_json())
def test_digest__of_a_value_that_went_through_jsonb__stays_the_same(value: Any) -> None:
    assert digest(there_and_back(value)) == digest(value)


@pytest.mark.parametrize(
    "value", [5e-324, 2.2250738585072014e-308, -0.0, 1.0, 9007199254740991.0, 0.1 + 0.2]
)
def test_canonical_text__of_a_hard_number_that_went_through_jsonb__stays_the_same(
    value: float,
) -> None:
    assert canonical_text(there_and_back([value])) == canonical_text([value])
