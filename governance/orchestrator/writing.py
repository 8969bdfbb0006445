"""The one call that writes what a story about a job decided (`models/sql/functions/*_job.sql`).

It locks the contract, refuses (`chain_moved_on`) when the chain has another head than the one that
was read, and writes the rows in their order with the entry that tells of them; the laws look at
each row, as at anybody's.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from governance.ledger.chain import Entry, actor_name, spelled_entries
from governance.models import AuditEvidence, GovernanceJob, HealthSnapshot
from governance.models.prepared import Columns, prepared_rows
from governance.orchestrator.standing import Ending, Standing

_CLAIMED = Columns(GovernanceJob, "job")
_CLAIM = f"SELECT {_CLAIMED.sql} FROM governance_claim_job(%s, %s, %s, %s, %s, %s) job"  # noqa: S608 - names of our own


def claim_oldest_pending(
    *,
    executor: Any,
    at: datetime,
    grace: timedelta,
    token_sha256: str,
    capabilities: Sequence[str] | None,
) -> GovernanceJob | None:
    """The oldest PENDING job that nobody else is looking at, now RUNNING; None where there is none.

    Which one it is PostgreSQL alone knows, so this reads nothing first, and PostgreSQL sets the
    lease (the first step's timeout and `grace`) and spells the entry.
    """
    reach = None if capabilities is None else list(capabilities)
    found = prepared_rows(
        _CLAIM, [executor.pk, actor_name(executor), at, grace, token_sha256, reach]
    )
    return _CLAIMED.row(found[0]) if found else None


def write_start(standing: Standing, entry: Entry, *, at: datetime) -> None:
    """The job's start at `at`, as it is set on `standing.job`."""
    job = standing.job
    prepared_rows(
        "SELECT governance_start_job(%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            job.contract_id,
            standing.head.seq,
            job.pk,
            job.started_by_id,
            at,
            job.deadline_at,
            job.lease_expires_at,
            job.execution_token_sha256,
            _told(standing, entry, actor=job.started_by, at=at),
        ],
    )


def write_end(
    ending: Ending,
    snapshot: HealthSnapshot | None,
    evidence: AuditEvidence,
    entry: Entry,
    *,
    at: datetime,
) -> None:
    """The job's end at `at`, as set on `ending.job`, with its snapshot after and its evidence."""
    job = ending.job
    prepared_rows(
        "SELECT governance_end_job(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            job.contract_id,
            ending.head.seq,
            job.pk,
            str(job.status),
            job.ended_by_id,
            at,
            job.end_reason,
            snapshot.observed_at if snapshot else None,
            json.dumps(snapshot.reading) if snapshot else None,
            evidence.body,
            evidence.sha256,
            _told(ending, entry, actor=job.ended_by, at=at),
        ],
    )


def _told(stands: Standing | Ending, entry: Entry, *, actor: Any, at: datetime) -> str:
    return spelled_entries(
        stands.head, contract_id=stands.job.contract_id, entries=[entry], actor=actor, at=at
    )
