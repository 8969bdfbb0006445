"""Thousands of contracts as copies of a real one, for tests of query plans and of long lists."""

from __future__ import annotations

from governance.models import SystemContract
from tests.support.attacks import check_deferred_triggers, run_sql
from tests.support.forgery import CONTRACT
from tests.support.roles import as_owner

# How much older than the original a copy is: up to 100 hours if it is open, two years if closed.
_EARLIER = """CASE WHEN original.closed_at IS NULL THEN n %% 6000 * interval '1 minute'
                    ELSE n %% 17520 * interval '1 hour' END"""

_COPIES = f"""
    INSERT INTO {CONTRACT}
    SELECT (jsonb_populate_record(original, jsonb_build_object(
        'id', gen_random_uuid(),
        'reference', 'CROWD-' || original.reference || '-' || n,
        'title', 'Request ' || n || CASE WHEN n %% 1000 = 7 THEN ' about marmalade' ELSE '' END,
        'risk_level', (ARRAY['critical', 'high', 'medium', 'low'])[1 + floor(random() * 4)::int],
        'source', (ARRAY['crm_feedback', 'support_ticket', 'ops_alert', 'manual', 'integration'])
                  [1 + n %% 5],
        'affected_capabilities', ARRAY['Capability ' || n %% 997],
        'created_at', original.created_at - {_EARLIER},
        'updated_at', original.updated_at - {_EARLIER},
        'expires_at', original.expires_at - {_EARLIER},
        'review_ends_at', original.expires_at - {_EARLIER},
        'closed_at', original.closed_at - {_EARLIER}
    ))).*
      FROM {CONTRACT} AS original, generate_series(%s::int, %s::int) AS n
     WHERE original.id = %s
"""


AT_ONCE = 4_000  # small enough for the statement timeout on a slow machine


def bulk_copy(original: SystemContract, number: int, *, first: int = 1) -> None:
    """Insert `number` copies of a contract in its state, and update the table's statistics.

    The triggers are disabled, and the copies have no ledger entries. So this is only for a
    transaction that is rolled back, or for a database that is dropped.

    Args:
        first: The number of the first copy; a second call for the same contract continues.
    """
    check_deferred_triggers()  # a table with pending deferred triggers cannot be altered
    with as_owner():
        run_sql(f"ALTER TABLE {CONTRACT} DISABLE TRIGGER USER")
        for begin in range(first, first + number, AT_ONCE):
            run_sql(_COPIES, begin, min(begin + AT_ONCE, first + number) - 1, original.pk)
        run_sql(f"ANALYZE {CONTRACT}")
