"""The one call that writes what a story about a job decided (`models/sql/functions/*_job.sql`).

It locks the contract, refuses (`chain_head_moved`) when the chain has another head than the one
that was read, and writes the rows in their order with the entry that tells of them; the laws look
at each row, as at anybody's.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from governance.authorities.orchestrator.job_state import JobHistory, JobState
from governance.db.row_mapping import RowMapping, prepared_rows
from governance.models import AuditEvidence, GovernanceJob, HealthSnapshot
from governance.record.ledger.chain import (
    NewEntry,
    actor_name,
    serialized_entries,
)

_CLAIMED = RowMapping(GovernanceJob, "job")
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
    scope = None if capabilities is None else list(capabilities)
    found = prepared_rows(
        _CLAIM, [executor.pk, actor_name(executor), at, grace, token_sha256, scope]
    )
    return _CLAIMED.row(found[0]) if found else None


def write_start(state: JobState, entry: NewEntry, *, at: datetime) -> None:
    """The job's start at `at`, as it is set on `state.job`."""
    job = state.job
    prepared_rows(
        "SELECT governance_start_job(%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            job.contract_id,
            state.head.seq,
            job.pk,
            job.started_by_id,
            at,
            job.deadline_at,
            job.lease_expires_at,
            job.execution_token_sha256,
            _serialize_entry(state, entry, actor=job.started_by, at=at),
        ],
    )


def write_end(
    history: JobHistory,
    snapshot: HealthSnapshot | None,
    evidence: AuditEvidence,
    entry: NewEntry,
    *,
    at: datetime,
) -> None:
    """The job's end at `at`, as set on `history.job`, with its snapshot after and its evidence."""
    job = history.job
    prepared_rows(
        "SELECT governance_end_job(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            job.contract_id,
            history.head.seq,
            job.pk,
            str(job.status),
            job.ended_by_id,
            at,
            job.end_reason,
            snapshot.observed_at if snapshot else None,
            json.dumps(snapshot.reading) if snapshot else None,
            evidence.body,
            evidence.sha256,
            _serialize_entry(history, entry, actor=job.ended_by, at=at),
        ],
    )


def _serialize_entry(
    state: JobState | JobHistory, entry: NewEntry, *, actor: Any, at: datetime
) -> str:
    return serialized_entries(
        state.head, contract_id=state.job.contract_id, entries=[entry], actor=actor, at=at
    )
