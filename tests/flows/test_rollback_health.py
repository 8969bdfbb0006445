"""Health holds no rollback back: neither review, nor activation, nor its steps; it is recorded."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from governance.authorities.contract.signatures import signing_progress
from governance.authorities.review.queries import review_permissions
from governance.db.clock import database_now
from governance.domain.errors import HealthBlocksError, HealthUnknownError
from governance.domain.values import ActivationWindow, HealthDecision, JobStatus
from governance.flows.activate_contract import activate_contract
from governance.flows.run_by_worker import run_job_by_worker
from governance.models import GovernanceJob, HealthSnapshot
from governance.record.ledger.verification import verify_ledger
from tests.support.attacks import check_deferred_triggers, update_row, violates_constraint
from tests.support.factories import approved, pending_job
from tests.support.forgery import JOB
from tests.support.platform import signal
from tests.support.rollbacks import failed_contract, register_search, rollback_of, state_of_search
from tests.support.routing import routes_file
from tests.support.signing import approve_as_seen
from tests.support.users import Users

BROKEN = "tests.support.platform.Broken"


def approve(contract: Any, founder: Any) -> Any:
    at = database_now()
    window = ActivationWindow(at, at + timedelta(hours=24))
    return approve_as_seen(contract, founder=founder, window=window)


@pytest.fixture
def rollback(users: Users) -> Any:
    register_search(users)
    return rollback_of(failed_contract(users))


@pytest.fixture(params=["blocked", "unknown"])
def bad_health(request: Any, rollback: Any, users: Users, settings: Any) -> str:
    if request.param == "blocked":
        signal(users, HealthDecision.BLOCKED, scope="SYSTEM")
    else:
        settings.GOVSITE = settings.GOVSITE | {"HEALTH_PROVIDER": BROKEN}
    return str(request.param)


def test_rollback__under_bad_health__is_approved_activated_and_recorded(
    users: Users, rollback: Any, bad_health: str
) -> None:
    at = database_now()
    permissions = review_permissions(
        contract=rollback,
        person=users.founder,
        health=None,
        frozen=[],
        at=at,
        signing=signing_progress(rollback, at=at),
    )
    assert permissions.against_approving == ()
    approve(rollback, users.founder)
    job = activate_contract(contract_id=rollback.pk, actor=users.operator)
    check_deferred_triggers()
    assert GovernanceJob.objects.get(pk=job.pk).is_rollback
    readings = [one.reading["system"] for one in HealthSnapshot.objects.filter(job=job)]
    assert readings == (["BLOCKED"] if bad_health == "blocked" else [])
    assert {one.finding for one in verify_ledger()} == {None}


def test_other_contract__under_bad_health__is_refused(
    users: Users, rollback: Any, bad_health: str
) -> None:
    expected = HealthBlocksError if bad_health == "blocked" else HealthUnknownError
    with pytest.raises(expected):
        approved(users)


def test_job__claimed_to_be_a_rollback_by_raw_sql__refused(users: Users) -> None:
    job = pending_job(users)
    assert not job.is_rollback
    with violates_constraint("job_is_rollback"):
        update_row(JOB, job.pk, is_rollback=True)


def test_worker__under_bad_health__carries_a_rollback_out(committed: Users) -> None:
    register_search(committed)
    before = state_of_search()
    rollback = rollback_of(failed_contract(committed))
    signal(committed, HealthDecision.BLOCKED)
    approve(rollback, committed.founder)
    with routes_file():
        job = activate_contract(contract_id=rollback.pk, actor=committed.operator)
        assert run_job_by_worker(job_id=job.pk) is JobStatus.COMPLETED
    assert state_of_search() == before
    document = json.loads(GovernanceJob.objects.get(pk=job.pk).evidence.body)
    assert document["rolls_back"] == str(rollback.rolls_back_id)
