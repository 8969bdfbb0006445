"""Canonical JSON that PostgreSQL writes, and digests of values that were stored as jsonb.

`governance_append_entries` makes the text of a ledger entry; jsonb changes numbers and the order of
keys.
"""

from __future__ import annotations

import json
from datetime import timedelta
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from governance.domain.canonical import canonical_text, digest, timestamp
from governance.models import LedgerEntry
from governance.record.ledger.chain import NewEntry, append_entries
from tests.support.clock import clock_at, now
from tests.support.factories import eligible
from tests.support.json_values import plain_json
from tests.support.users import Users

pytestmark = pytest.mark.django_db

HARD_TEXTS = {
    "escapes": '\b\t\n\f\r"\\/',
    "control characters": "".join(map(chr, range(1, 32))),
    "delete": "\x7f\x80\x9f",
    "separators of lines": "\u2028\u2029",
    "beyond 16 bits": "\U0001f600\U0010ffff",
    "not normalized": "e\u0301 \u00e9 \ufb01",
    "looks like an escape": "\\u0041 \\n %s %% {} $1",
    "looks like JSON": '","seq":9,"reason":"',
    "last of 16 bits": "\ud7ff\ue000\ufffd\uffff",
    "empty": "",
    "long": "ü" * 10_000,
}
texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))


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


# --- the entries of the ledger ---
def assert_appended_is_canonical(
    users: Users, *, name: str, reason: str, step_index: int | None
) -> None:
    """Append two entries with these texts, and compare them with what Python makes of them."""
    contract = eligible(users)
    actor = SimpleNamespace(pk=users.operator.pk, get_username=lambda: name)
    record = {"audit_sha256": "0" * 64}
    steps = {"step_result_sha256": "1" * 64}
    entries = [
        NewEntry("contract.audit.inconclusive", reason=reason, records=record),
        NewEntry("job.step.failed", reason=reason, step_index=step_index, records=steps),
    ]
    at = now()
    append_entries(contract_id=contract.pk, entries=entries, actor=actor, at=at)
    *_, last, one, two = LedgerEntry.objects.filter(contract=contract).order_by("seq")
    head = bytes(last.hash)
    for number, (entry, found) in enumerate(zip(entries, (one, two), strict=True)):
        body = canonical_text(
            {
                "actor": f"user:{users.operator.pk}:{name}",
                "at": timestamp(at),
                "contract_id": str(contract.pk),
                "event": entry.event,
                "from_status": "",
                "reason": reason,
                "records": dict(entry.records),
                "seq": last.seq + 1 + number,
                "step_index": entry.step_index,
                "to_status": "",
            }
        )
        assert found.body == body
        assert bytes(found.prev_hash) == head
        head = sha256(head + body.encode()).digest()
        assert bytes(found.hash) == head


@pytest.mark.parametrize("text", HARD_TEXTS.values(), ids=list(HARD_TEXTS))
def test_entry__with_a_hard_text__is_canonical_and_hashed(users: Users, text: str) -> None:
    assert_appended_is_canonical(users, name=text[:100], reason=text, step_index=0)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(texts.map(lambda text: text[:100]), texts, st.none() | st.integers(0, 2**31 - 1))
def test_entry__with_any_text__is_canonical_and_hashed(
    users: Users, name: str, reason: str, step_index: int | None
) -> None:
    assert_appended_is_canonical(users, name=name, reason=reason, step_index=step_index)


@pytest.mark.parametrize("microsecond", [0, 1, 120_000, 999_999])
def test_entry__of_a_time_with_any_fraction__has_six_digits(users: Users, microsecond: int) -> None:
    moment = now().replace(microsecond=microsecond)
    with clock_at(moment + timedelta(days=1)):
        assert_appended_is_canonical(users, name="", reason="", step_index=None)
