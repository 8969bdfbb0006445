"""A database with as many contracts as one wants: copies of real ones, made by the server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

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
    missing = total - SystemContract.objects.count()
    with as_owner():
        run_sql("SET statement_timeout = 0")
        run_sql(f"ALTER TABLE {LEDGER} DISABLE TRIGGER USER")
        with _without_indexes():
            for original, number in (
                (waiting[0], missing - missing // 2),
                (rejected, missing // 2),
            ):
                for first in range(1, number + 1, AT_ONCE):
                    step = min(AT_ONCE, number + 1 - first)
                    crowd(original, step, first=first)
                    advance(step)
                run_sql(_LEDGERS, original.pk, original.pk)
        # What autovacuum would do in its own time, before anything is measured.
        run_sql(f"VACUUM (ANALYZE) {CONTRACT}, {LEDGER}")
    return waiting


@contextmanager
def _without_indexes() -> Iterator[None]:
    """Build the contracts' indexes once, when all are there; those of constraints stay."""
    found = run_sql(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s AND indexname NOT IN"
        " (SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass)",
        CONTRACT,
        CONTRACT,
    )
    for name, _ in found:
        run_sql(f'DROP INDEX "{name}"')
    yield
    for _, definition in found:
        run_sql(definition)
