"""Rollbacks that founders authorised with their signatures: what approves itself, and what not."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from governance.authorities.contract.due import contracts_that_activate_themselves
from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.db.clock import database_now
from governance.domain.canonical import load_json
from governance.domain.errors import (
    CapabilityFrozenError,
    ChangeFreezeActiveError,
    InvalidInputError,
    NotPreAuthorisedError,
    PlatformChangedError,
    SignerNotActiveError,
    WindowClosedError,
)
from governance.domain.values import ActivationWindow, ContractStatus, JobStatus
from governance.flows.activate_contract import activate_contract
from governance.flows.approve_rollback import approve_pre_authorised, approve_rollbacks
from governance.flows.review_contract import request_clarification
from governance.flows.run_by_worker import run_job_by_worker
from governance.models import (
    Account,
    GovernanceJob,
    LedgerEntry,
    RollbackAuthorisation,
    SystemContract,
)
from governance.record.ledger.verification import verify_contract, verify_ledger
from governance.record.retention.document import (
    contract_record_text,
    parse_contract_record,
    read_verified_record,
)
from governance.services.freezes.operations import lift_active_freezes
from governance.workers import tasks
from tests.support.attacks import check_deferred_triggers, run_sql, trigger_off
from tests.support.clock import as_of
from tests.support.factories import Running, eligible, now, reloaded
from tests.support.freezes import frozen
from tests.support.registry import set_value
from tests.support.rollbacks import (
    CHANGES,
    UNDONE,
    authorised_job,
    authorised_rollback,
    failed_contract,
    judge_fail,
    register_search,
    rollback_of,
    state_of_search,
    stopped_after,
)
from tests.support.routing import routes_file
from tests.support.signing import approve_as_seen
from tests.support.users import Users

DAYS = timedelta(days=1)


@pytest.fixture(autouse=True)
def search(request: Any) -> None:
    register_search(
        request.getfixturevalue("committed" if "committed" in request.fixturenames else "users")
    )


def approve(rollback: SystemContract) -> SystemContract:
    approve_pre_authorised(contract_id=rollback.pk)
    check_deferred_triggers()
    found: SystemContract = reloaded(rollback)
    return found


def refused(rollback: SystemContract, match: str = "") -> None:
    """Assert that a rollback does not approve itself, by the sweep either."""
    with pytest.raises(NotPreAuthorisedError, match=match):
        approve_pre_authorised(contract_id=rollback.pk)
    assert list(approve_rollbacks()) == []
    assert reloaded(rollback).status == ContractStatus.ELIGIBLE


# --- what founders give ---
def test_authorisation__is_exactly_the_rollback_of_the_plan(users: Users) -> None:
    authorised_job(users, steps=1)
    check_deferred_triggers()
    given = RollbackAuthorisation.objects.get()
    assert given.steps == UNDONE
    assert load_json(given.body)["contract_id"] == str(given.contract_id)
    assert given.founder == users.founder
    assert given.signature.as_record()["authorisation_sha256"] == given.sha256
    assert [one.finding for one in verify_ledger()] == [None]


def test_signature__without_an_authorisation__has_the_record_of_before(users: Users) -> None:
    job = authorised_job(users, authorising=[])
    assert "authorisation_sha256" not in job.contract.signatures.get().as_record()
    assert not RollbackAuthorisation.objects.exists()


@pytest.mark.parametrize(
    ("until", "message"),
    [
        (timedelta(0), "has already passed"),
        (timedelta(hours=24 + 168, seconds=1), "more than 168 hours"),
    ],
)
def test_authorisation__until_a_wrong_time__is_refused(
    users: Users, until: timedelta, message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message) as refusal:
        authorised_job(users, until=until)
    assert refusal.value.errors[0]["path"] == "rollback_until"


def test_authorisation__of_a_plan_without_a_rollback__is_refused(users: Users) -> None:
    change = CHANGES[0] | {"capability_name": "Unheard of"}
    with pytest.raises(InvalidInputError, match="no known rollback"):
        authorised_job(users, affected_capabilities=["Unheard of"], proposed_changes=[change])


def test_authorisation__of_the_rollback_of_a_rollback__is_refused(users: Users) -> None:
    rollback = rollback_of(failed_contract(users))
    at = now()
    window = ActivationWindow(at, at + DAYS)
    with pytest.raises(InvalidInputError, match="always waits for founders"):
        approve_as_seen(rollback, founder=users.founder, window=window, rollback_until=at + DAYS)


# --- what approves itself ---
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_rollback__that_is_the_tail_of_what_was_authorised__approves_itself(
    users: Users, steps: int
) -> None:
    rollback = approve(authorised_rollback(users, steps=steps))
    given = RollbackAuthorisation.objects.get()
    assert rollback.proposed_changes == UNDONE[3 - steps :]
    assert (rollback.status, rollback.approval_kind) == ("APPROVED", "pre_authorised")
    assert rollback.authorisation_sha256 == given.sha256
    assert (rollback.approved_by, rollback.signatures.count()) == (users.founder, 0)
    assert (rollback.window_opens_at, rollback.window_closes_at) == (
        rollback.approved_at,
        given.ends_at,
    )
    entry = LedgerEntry.objects.filter(contract=rollback).latest("seq")
    assert (entry.event, entry.actor.split(":")[-1]) == (
        "contract.review.pre_authorised",
        "scheduler",
    )
    assert rollback in contracts_that_activate_themselves(database_now())
    assert {one.finding for one in verify_ledger()} == {None}


def test_rollback__of_a_quorum_that_all_authorised__names_what_ends_first(
    users: Users, settings: Any
) -> None:
    settings.GOVSITE = settings.GOVSITE | {"APPROVALS_REQUIRED": {"medium": 2}}
    both = [users.founder, users.second_founder]
    rollback = approve(authorised_rollback(users, signing=both))
    first = RollbackAuthorisation.objects.order_by("ends_at", "id")[0]
    assert rollback.authorisation_sha256 == first.sha256


def test_window__of_a_long_authorisation__is_168_hours(users: Users) -> None:
    rollback = approve(authorised_rollback(users, until=8 * DAYS))
    window = rollback.window
    assert window is not None
    assert window.closes_at - window.opens_at == timedelta(hours=168)


def test_rollback__by_the_tasks_of_a_worker__restores_the_exact_state(committed: Users) -> None:
    before = state_of_search()
    rollback = authorised_rollback(committed, steps=3)
    assert state_of_search() != before
    [(task, args)] = run_sql(
        "SELECT task_name, args FROM procrastinate_jobs WHERE task_name = 'approve_rollback'"
    )
    tasks.approve_one_rollback(**json.loads(args))
    assert task == "approve_rollback"
    assert reloaded(rollback).status == ContractStatus.APPROVED
    with routes_file():
        tasks.activate_due(0)
        job = GovernanceJob.objects.get(contract=rollback)
        assert run_job_by_worker(job_id=job.pk) is JobStatus.COMPLETED
    assert state_of_search() == before


def test_sweep__approves_what_was_authorised__and_passes_over_the_rest(users: Users) -> None:
    other = rollback_of(failed_contract(users))
    approved = authorised_rollback(users, steps=3)
    results = list(approve_rollbacks())
    assert [(one.subject_id, one.status) for one in results] == [(approved.pk, "APPROVED")]
    assert reloaded(other).status == ContractStatus.ELIGIBLE
    assert list(approve_rollbacks(only=other.pk)) == []


# --- what does not ---
def test_setting__that_moved_since__waits_for_a_founder(users: Users) -> None:
    job = authorised_job(users, steps=3)
    set_value("Search", "limit", 6)
    refused(rollback_of(judge_fail(users, job)), "step for step")


def test_last_setting__that_moved_since__does_not_make_the_rest_a_tail(users: Users) -> None:
    job = authorised_job(users, steps=2)
    set_value("Search", "page_size", 33)
    rollback = rollback_of(judge_fail(users, job))
    assert rollback.proposed_changes == UNDONE[2:]  # a tail of what was authorised
    refused(rollback, "It leaves out page_size of Search")


def test_setting__that_moved_after_the_proposal__waits_for_a_founder(users: Users) -> None:
    rollback = authorised_rollback(users)
    set_value("Search", "page_size", 33)
    refused(rollback, "since the rollback was proposed")


def test_authorisation__that_ended__approves_nothing(users: Users) -> None:
    rollback = authorised_rollback(users, until=DAYS)
    with pytest.raises(NotPreAuthorisedError, match="ended at"):
        as_of(now() + DAYS, approve_pre_authorised, contract_id=rollback.pk)
    assert as_of(now() + DAYS, lambda: list(approve_rollbacks())) == []


def test_founder__who_left__approves_nothing(users: Users) -> None:
    rollback = authorised_rollback(users)
    users.founder.groups.clear()
    refused(rollback, "No active founder any more: founder")


@pytest.mark.parametrize("who", [0, 1])
def test_quorum_of_two__with_one_authorisation__waits_for_a_founder(
    users: Users, settings: Any, who: int
) -> None:
    settings.GOVSITE = settings.GOVSITE | {"APPROVALS_REQUIRED": {"medium": 2}}
    both = [users.founder, users.second_founder]
    refused(authorised_rollback(users, signing=both, authorising=[both[who]]), "Not every founder")


def test_freeze__holds_it__and_its_lift_lets_it_through(users: Users) -> None:
    rollback = authorised_rollback(users)
    frozen(users)
    with pytest.raises(ChangeFreezeActiveError):
        approve_pre_authorised(contract_id=rollback.pk)
    [result] = approve_rollbacks()
    assert result.held_by_freeze
    assert reloaded(rollback).status == ContractStatus.ELIGIBLE
    lift_active_freezes(founder=users.founder, reason="The sale is over.")
    [result] = approve_rollbacks()
    assert result.status == "APPROVED"


def test_frozen_capability__holds_it(users: Users) -> None:
    rollback = authorised_rollback(users)
    with trigger_off("governance_capability", "registry_row_kept"):
        run_sql("UPDATE governance_capability SET frozen = true")
    with pytest.raises(CapabilityFrozenError):
        approve_pre_authorised(contract_id=rollback.pk)


def test_question__that_is_open__holds_it(users: Users) -> None:
    rollback = authorised_rollback(users)
    request_clarification(contract_id=rollback.pk, founder=users.founder, question="Why?")
    refused(rollback, "without a question")


def test_contract__that_is_no_rollback__is_refused(users: Users) -> None:
    refused(eligible(users), "is no rollback")


def test_rollback_of_a_rollback__waits_for_a_founder(users: Users) -> None:
    rollback = approve(authorised_rollback(users))
    job = activate_contract(contract_id=rollback.pk, actor=users.operator)
    job, token = GovernanceOrchestrator.start_job(job.pk, executor=users.executor)
    failed = judge_fail(users, stopped_after(Running(job, token, users), 1))
    refused(rollback_of(failed), "A rollback of a rollback")


# --- between approval and activation ---
def test_approved_rollback__is_not_activated_on_a_moved_platform(users: Users) -> None:
    rollback = approve(authorised_rollback(users, steps=3))
    set_value("Search", "limit", 6)
    with pytest.raises(PlatformChangedError, match="limit"):
        activate_contract(contract_id=rollback.pk, actor=users.operator)
    set_value("Search", "limit", 9)
    assert activate_contract(contract_id=rollback.pk, actor=users.operator).is_rollback


def test_approved_rollback__is_not_activated_for_a_founder_who_left(users: Users) -> None:
    rollback = approve(authorised_rollback(users))
    Account.objects.filter(pk=users.founder.pk).update(is_active=False)
    with pytest.raises(SignerNotActiveError, match="founder"):
        activate_contract(contract_id=rollback.pk, actor=users.operator)


def test_approved_rollback__is_not_activated_after_its_end(users: Users) -> None:
    rollback = approve(authorised_rollback(users))
    with pytest.raises(WindowClosedError):
        as_of(now() + 3 * DAYS, activate_contract, contract_id=rollback.pk, actor=users.operator)


# --- the record ---
def test_archive__of_both_contracts__has_the_authorisation_and_verifies(users: Users) -> None:
    rollback = approve(authorised_rollback(users))
    failed = rollback.rolls_back
    _, record = verify_contract(failed.pk)
    text = contract_record_text(record)
    assert '"RollbackAuthorisation":[{' in text
    read_verified_record(text)
    _, record = verify_contract(rollback.pk)
    text = contract_record_text(record)
    assert '"approval_kind":"pre_authorised"' in text
    assert contract_record_text(parse_contract_record(text)) == text


@pytest.mark.parametrize(
    "change",
    [
        "ends_at = ends_at + interval '1 day'",
        "body = replace(body, '\"limit\":5', '\"limit\":6')",
        "sha256 = repeat('a', 64)",
        "founder_id = founder_id + 1",
    ],
)
def test_authorisation__altered_by_the_owner__is_found(users: Users, change: str) -> None:
    authorised_job(users)
    table = "governance_rollbackauthorisation"
    with trigger_off(table, "rollback_authorisation_append_only"):
        run_sql(f"UPDATE {table} SET {change}")
    [checked] = verify_ledger()
    assert checked.finding is not None
    assert "signature_sha256" in checked.finding.problem


def test_authorisation__removed_by_the_owner__is_found(users: Users) -> None:
    authorised_job(users)
    table = "governance_rollbackauthorisation"
    with trigger_off(table, "rollback_authorisation_append_only"):
        run_sql(f"DELETE FROM {table}")
    [checked] = verify_ledger()
    assert checked.finding is not None
