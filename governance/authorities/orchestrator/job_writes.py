"""The writes of a job: one call of an SQL function each (`models/sql/functions/*_job.sql`).

A start and an end lock the contract, refuse (`chain_head_moved`) if the head of the chain is not
the one that was read, and write the rows in order with their ledger entry. The triggers check
every row, as they do for raw SQL.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from governance.authorities.orchestrator.job_state import JobHistory, JobState
from governance.db.row_mapping import RowMapping, prepared_rows
from governance.models import AuditEvidence, GovernanceJob, HealthSnapshot
from governance.record.ledger.chain import NewEntry, actor_name, serialized_entries

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
    """Start the oldest PENDING job that no other transaction has locked; None if there is none.

    PostgreSQL picks the job, so nothing is read first: the SQL function also sets the lease (the
    first step's timeout plus `grace`) and serializes the ledger entry.

    Args:
        capabilities: the token scope; only jobs of contracts that affect nothing else are
            considered. None is no limit.
    """
    scope = None if capabilities is None else list(capabilities)
    found = prepared_rows(
        _CLAIM, [executor.pk, actor_name(executor), at, grace, token_sha256, scope]
    )
    return _CLAIMED.row(found[0]) if found else None


def write_start(state: JobState, entry: NewEntry, *, at: datetime) -> None:
    """Write the job's start at `at`, as it is set on `state.job`, with its ledger entry."""
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
    """Write the job's end at `at`, as set on `history.job`, with its snapshot and evidence."""
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
