"""The two implementations that `record` compares: govsite, and the same rows written by hand.

`ours` is Django as in a web process, under the application's role: the flow or, in names with
`-transaction`, the read and the operation of the flow, without reading health.
`limit` is psycopg with prepared statements in autocommit; each transaction is one function of
limit.sql, on mirror tables.
"""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

from uuid_utils.compat import uuid7

from governance.authorities.orchestrator.evidence import EndOfJob
from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.authorities.orchestrator.job_state import read_contract, read_job_history
from governance.authorities.orchestrator.leases import lease_grace
from governance.domain.canonical import timestamp
from governance.domain.roles import Role
from governance.domain.values import HealthDecision, HealthReading, StepReport, StepStatus
from governance.flows import run_job
from governance.flows.activate_contract import activate_contract
from governance.models import Account
from governance.record.ledger.chain import actor_name
from tests.benchmarks.database import owner_session
from tests.benchmarks.inputs import Item
from tests.benchmarks.worker_pool import Work

REASON = "Another change came first."
SCOPES = ("AccountAlerts", "AccountAlertsBeta")
OUTPUT = {
    "applied": {
        "type": "configuration_update",
        "scope": SCOPES[0],
        "key": "limit_0",
        "old_value": 20,
        "new_value": 50,
    },
    "on": SCOPES[0],
}
# A claim finds nothing if other clients have locked all jobs that its snapshot contains.
CLAIM_ATTEMPTS = 20


def now() -> datetime:
    return datetime.now(UTC)


def reading() -> HealthReading:
    healthy = HealthDecision.HEALTHY
    return HealthReading(
        observed_at=now(), system=healthy, capabilities=dict.fromkeys(SCOPES, healthy), signals=()
    )


def first_executor() -> Account:
    """Return the executor of the database, of two the one that was made first."""
    executors = Account.objects.filter(groups__name=Role.EXECUTOR)
    return executors.order_by("pk")[0]


def ours() -> dict[str, Work]:
    """Return the work of govsite by name; must be called in the process that does the work."""
    operator = Account.objects.get(username="operator")
    executor = first_executor()

    def report(job_id: UUID, token: str, step: int) -> None:
        at = now()
        step_report = StepReport(
            step_index=step,
            status=StepStatus.COMPLETED,
            started_at=at,
            completed_at=at,
            output=OUTPUT,
        )
        GovernanceOrchestrator.record_step_result(
            job_id, token=token, report=step_report, executor=executor
        )

    def claim(item: Item) -> tuple[UUID, str, int]:
        claimed = GovernanceOrchestrator.claim_job(executor=executor)
        if claimed is None:
            raise RuntimeError("There was no job to claim.")
        job, token = claimed
        return job.pk, token, job.total_steps

    def whole(item: Item) -> None:
        activate_contract(contract_id=item.contract, actor=operator)
        job_id, token, steps = claim(item)
        for step in range(steps):
            report(job_id, token, step)
        run_job.complete_job(job_id=job_id, token=token, executor=executor)

    return {
        "activate": lambda item: activate_contract(contract_id=item.contract, actor=operator),
        "activate-transaction": lambda item: GovernanceOrchestrator.activate_contract(
            read_contract(item.contract), actor=operator, health=reading()
        ),
        "claim": claim,
        "start-transaction": lambda item: GovernanceOrchestrator.start_job(
            item.job, executor=executor
        ),
        "record": lambda step: report(step[0].job, step[0].token, step[1]),
        "complete": lambda item: run_job.complete_job(
            job_id=item.job, token=item.token, executor=executor
        ),
        "complete-transaction": lambda item: GovernanceOrchestrator.complete_job(
            read_job_history(item.job), EndOfJob(reading()), token=item.token, executor=executor
        ),
        "cancel-transaction": lambda item: GovernanceOrchestrator.cancel_job(
            read_job_history(item.job), EndOfJob(reading()), reason=REASON, actor=operator
        ),
        "whole": whole,
    }


def limit() -> dict[str, Work]:
    """Return the work of the limit by name: each is one call of a function of limit.sql."""
    operator = Account.objects.get(username="operator")
    executor = first_executor()
    operator_name, executor_name = actor_name(operator), actor_name(executor)
    grace: timedelta = lease_grace()
    output = json.dumps(OUTPUT)
    session = owner_session()
    ask = session.execute

    def seen(at: datetime) -> str:
        health = dict.fromkeys(SCOPES, "HEALTHY")
        return json.dumps(
            {
                "capabilities": health,
                "observed_at": timestamp(at),
                "signals": [],
                "system": "HEALTHY",
            }
        )

    def activate(item: Item) -> None:
        at = now()
        values = [item.contract, uuid7(), 60, operator.pk, operator_name, at, seen(at)]
        ask("SELECT bare.activate(%s, %s, %s, %s, %s, %s, %s)", values)

    def start(job_id: UUID | None) -> tuple[UUID, str]:
        token = secrets.token_urlsafe(32)
        values = [job_id, executor.pk, executor_name, now(), grace, hashed(token)]
        for _ in range(CLAIM_ATTEMPTS):
            row = ask("SELECT bare.start(%s, %s, %s, %s, %s, %s)", values).fetchone()
            if row and isinstance(row[0], UUID):
                return row[0], token
        raise RuntimeError("There was no job to start.")

    def report(job_id: UUID | None, token: str, step: int) -> None:
        at = now()
        values = [job_id, hashed(token), step, at, at, output, executor.pk, executor_name, at]
        ask("SELECT bare.record(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)", [*values, grace])

    def finish(
        job_id: UUID | None, token: str | None, why: str, person: Account, name: str
    ) -> None:
        at = now()
        shown = None if token is None else hashed(token)
        values = [job_id, shown, why, person.pk, name, at, seen(at)]
        ask("SELECT bare.finish(%s, %s, %s, %s, %s, %s, %s)", values)

    def complete(job_id: UUID | None, token: str) -> None:
        finish(job_id, token, "Every step completed.", executor, executor_name)

    def whole(item: Item) -> None:
        activate(item)
        job_id, token = start(None)
        for step in range(3):
            report(job_id, token, step)
        complete(job_id, token)

    return {
        "activate": activate,
        "claim": lambda item: start(None),
        "start": lambda item: start(item.job),
        "record": lambda step: report(step[0].job, step[0].token, step[1]),
        "complete": lambda item: complete(item.job, item.token),
        "cancel": lambda item: finish(item.job, None, REASON, operator, operator_name),
        "whole": whole,
    }


def hashed(token: str) -> str:
    return sha256(token.encode()).hexdigest()
