"""A database with as many contracts as one wants: copies of real ones, made by the server."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.db import connection

from governance.contract.operations import reject_contract
from governance.models import SystemContract
from tests.support.attacks import run_sql
from tests.support.cast import Cast
from tests.support.crowds import crowd
from tests.support.roles import as_owner
from tests.support.stories import eligible, now

AT_ONCE = 50_000
LEDGER = "governance_ledgerentry"
CONTRACT = "governance_systemcontract"

# A copy's ledger is its original's, but for the contract and the hashes: pages read it, nobody
# verifies it here.
_LEDGERS = f"""
    INSERT INTO {LEDGER} (contract_id, seq, at, actor, event, from_status, to_status, reason,
                          step_index, body, prev_hash, hash)
    SELECT copy.id, entry.seq, entry.at, entry.actor, entry.event, entry.from_status,
           entry.to_status, entry.reason, entry.step_index, entry.body, entry.prev_hash, entry.hash
      FROM {CONTRACT} copy, {LEDGER} entry
     WHERE entry.contract_id = %s
       AND copy.status = (SELECT status FROM {CONTRACT} WHERE id = %s)
       AND NOT EXISTS (SELECT FROM {LEDGER} has WHERE has.contract_id = copy.id)
"""


def populate(cast: Cast, total: int, advance: Callable[[int], object]) -> list[SystemContract]:
    """Fill the database up to `total` contracts, half of them waiting for a decision, half rejected
    in the last two years, each with its ledger. Returns a few real ones that wait.

    Only for a database that is thrown away: the laws look away, and stay off.
    """
    waiting = [eligible(cast) for _ in range(5)]
    rejected = eligible(cast, at=now() - timedelta(hours=3))
    reject_contract(
        contract_id=rejected.pk,
        founder=cast.founder,
        reason="Not in this quarter, please.",
        at=now() - timedelta(hours=1),
    )
    with as_owner():
        run_sql(f"ALTER TABLE {LEDGER} DISABLE TRIGGER USER")
    missing = total - SystemContract.objects.count()
    for original, number in ((waiting[0], missing - missing // 2), (rejected, missing // 2)):
        for first in range(1, number + 1, AT_ONCE):
            step = min(AT_ONCE, number + 1 - first)
            crowd(original, step, first=first)
            advance(step)
        with as_owner():
            run_sql(_LEDGERS, original.pk, original.pk)
    # What autovacuum would do in its own time, before anything is measured.
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(f"VACUUM (ANALYZE) {CONTRACT}, {LEDGER}")
    return waiting
