"""The checks of the record after every attack."""

from __future__ import annotations

from django.db import connection

from governance.models import GovernanceJob, SystemContract
from governance.record.ledger.verification import verify_ledger
from tests.stress.attack import require


def require_whole_record() -> int:
    """Check that every chain verifies and no transaction was written in part.

    Returns:
        The number of ledger entries.
    """
    entries = 0
    for checked in verify_ledger():
        require(checked.finding is None, f"verify_ledger: {checked.finding}")
        entries += checked.entries
    orphans = GovernanceJob.objects.exclude(contract__status__in=["ACTIVE", "COMPLETED", "FAILED"])
    require(not orphans.exists(), f"orphan jobs: {list(orphans)}")
    idle = SystemContract.objects.filter(status__in=["ACTIVE", "COMPLETED"], job=None)
    require(not idle.exists(), f"contracts without their job: {list(idle)}")
    with connection.cursor() as cursor:
        # The unique constraint and the trigger forbid forks and gaps; this does not rely on them.
        cursor.execute(
            "SELECT count(*) FROM (SELECT contract_id FROM governance_ledgerentry"
            " GROUP BY contract_id HAVING max(seq) <> count(*) OR min(seq) <> 1"
            " OR count(DISTINCT prev_hash) <> count(*)) broken"
        )
        [(broken,)] = cursor.fetchall()
    require(broken == 0, f"{broken} chains have a fork or a gap")
    return entries
