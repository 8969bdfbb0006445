"""The state of the database after a move, read in one round trip."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.db import connection

from tests.support.histories.model import Contract, ModelWorld

# First run the deferred triggers as a commit would, then read the state of all contracts.
STATE_SQL = """
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
SELECT contract.id, contract.status, contract.audit_verdict, contract.review_ends_at,
       job.status, job.current_step_index, job.lease_expires_at,
       (SELECT array_agg(status ORDER BY step_index) FROM governance_stepresult
         WHERE job_id = job.id),
       (SELECT array_agg(phase ORDER BY id) FROM governance_healthsnapshot WHERE job_id = job.id),
       (SELECT count(*) FROM governance_auditevidence WHERE job_id = job.id),
       audit.verdict, resolution.verdict,
       (SELECT jsonb_agg(jsonb_build_array(event, actor, at, from_status, to_status, reason,
                                           step_index) ORDER BY seq)
          FROM governance_ledgerentry WHERE contract_id = contract.id)
  FROM governance_systemcontract contract
  LEFT JOIN governance_governancejob job ON job.contract_id = contract.id
  LEFT JOIN governance_governanceaudit audit ON audit.job_id = job.id
  LEFT JOIN governance_auditresolution resolution ON resolution.audit_id = audit.id
 WHERE contract.rolls_back_id IS NULL -- the model has no rollbacks, which a FAIL proposes
"""


def record_as_it_is() -> dict[UUID, Any]:
    with connection.cursor() as cursor:
        cursor.execute(STATE_SQL)
        while cursor.nextset():
            pass
        return {row[0]: _readable(row[1:]) for row in cursor.fetchall()}


def record_as_it_should_be(
    world: ModelWorld, ids: dict[int, UUID], actors: dict[str, str]
) -> dict[UUID, Any]:
    return {
        ids[number]: _expected(contract, actors) for number, contract in enumerate(world.contracts)
    }


def _readable(row: tuple[Any, ...]) -> dict[str, Any]:
    status, verdict, review_ends, *of_job, ledger = row
    job, cursor, lease, results, phases, evidence, audit, resolution = of_job
    return {
        "contract": (status, verdict, review_ends),
        "job": job and (job, cursor, lease, results or [], phases, evidence, audit, resolution),
        "ledger": json.loads(ledger or "[]"),
    }


def _expected(it: Contract, actors: dict[str, str]) -> dict[str, Any]:
    job = it.job
    return {
        "contract": (it.status, it.verdict, it.review_ends),
        "job": job
        and (
            job.status,
            len(job.results),
            job.lease,
            [status for status, _ in job.results],
            job.snapshots,
            int(job.sealed),
            job.audit or None,
            job.resolution or None,
        ),
        "ledger": [
            [t.event, actors[t.actor], t.at.isoformat(), t.before, t.after, t.reason, t.step_index]
            for t in it.ledger
        ],
    }


def difference(is_: dict[UUID, Any], should: dict[UUID, Any]) -> str:
    """Describe the differences: contract, job or ledger, and both values."""
    differences = []
    for one in is_.keys() | should.keys():
        for part in ("contract", "job", "ledger"):
            here, there = is_.get(one, {}).get(part), should.get(one, {}).get(part)
            if here != there:
                differences.append(f"{part} of {one}\n  is        {here}\n  should be {there}")
    return "\n".join(differences)
