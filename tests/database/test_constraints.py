"""Constraints of the tables that no operation can violate, each attacked by itself."""

from __future__ import annotations

from uuid import uuid4

from django.db import transaction

from governance.models import Account, ConfigurationEntry, GovernanceSignal, IdempotencyRecord
from tests.support.archives import tombstone_of
from tests.support.attacks import insert_row, run_sql, trigger_off, update_row, violates_constraint
from tests.support.contracts import insert_copy
from tests.support.factories import asked, draft, now, pending_job
from tests.support.forgery import JOB, NOON
from tests.support.registry import new_change, registered, set_value
from tests.support.tokens import made_token
from tests.support.users import Users

QUESTION = "governance_clarificationrequest"
TOMBSTONE = "governance_contracttombstone"


def insert_signal(users: Users, decision: str) -> None:
    GovernanceSignal.objects.create(
        scope="Search",
        signal_type="errors",
        decision=decision,
        recorded_by=users.operator,
        recorded_at=now(),
    )


def test_account__second_of_one_name__refused(users: Users) -> None:
    with violates_constraint("governance_account_username_key"):
        Account.objects.create(username=users.founder.username)


def test_capability__second_of_one_name__refused(users: Users) -> None:
    registered("Search", lifecycle="LAUNCHED")
    with violates_constraint("governance_capability_name_key"):
        registered("Search", lifecycle="LAUNCHED")


def test_capability__of_unknown_lifecycle__refused(users: Users) -> None:
    with violates_constraint("capability_lifecycle_known"):
        registered("Search", lifecycle="GONE")


def test_configuration__second_value_of_one_key__refused(users: Users) -> None:
    set_value("Search", "page_size", 20)
    with violates_constraint("one_value_per_key"), transaction.atomic():
        ConfigurationEntry.objects.create(
            scope="Search", key="page_size", value=50, origin=new_change("Search", "page_size", 50)
        )


def test_signal__of_unknown_decision__refused(users: Users) -> None:
    with violates_constraint("signal_decision_known"):
        insert_signal(users, "FINE")


def test_signal__second_active_one__refused(users: Users) -> None:
    insert_signal(users, "BLOCKED")
    with violates_constraint("signal_one_active"):
        insert_signal(users, "HEALTHY")


def test_response__with_half_of_its_columns__refused(users: Users) -> None:
    for half in ({"status": 200}, {"sealed_answer": b"sealed"}):
        with violates_constraint("idempotency_response_complete"):
            IdempotencyRecord.objects.create(key_sha256="0" * 64, kept_at=NOON, **half)


def test_token__second_successor_of_one__refused(users: Users) -> None:
    token, _ = made_token(users.executor)
    made_token(users.executor, rotated_from=token)
    with violates_constraint("governance_apitoken_rotated_from_id_key"):
        made_token(users.executor, rotated_from=token)


def test_contract__of_unknown_risk_or_source__refused(users: Users) -> None:
    contract = draft(users)
    with violates_constraint("contract_risk_level_known"):
        insert_copy(contract, risk_level="none")
    with violates_constraint("contract_source_known"):
        insert_copy(contract, source="rumour")


def test_job__of_unknown_status_without_the_triggers__refused(users: Users) -> None:
    job = pending_job(users)
    with violates_constraint("job_status_known"):
        run_sql(f"ALTER TABLE {JOB} DISABLE TRIGGER USER")
        update_row(JOB, job.pk, status="DONE")


def test_question__second_of_one_number_without_the_trigger__refused(users: Users) -> None:
    contract = asked(users)
    question = {
        "contract_id": contract.pk,
        "number": 1,
        "question": "Why now?",
        "asked_by_id": users.founder.pk,
        "asked_at": now(),
    }
    with trigger_off(QUESTION, "clarification_in_turn"):  # noqa: SIM117 - two steps of the attack
        with violates_constraint("clarification_numbered_once"):
            insert_row(QUESTION, **question)


def test_tombstone__second_of_one_proposal_without_the_triggers__refused(users: Users) -> None:
    contract = draft(users)
    with trigger_off(TOMBSTONE, "tombstone_fits_contract", "tombstone_leaves_nothing"):
        insert_row(TOMBSTONE, **tombstone_of(contract))
        with violates_constraint("tombstone_of_one_proposal"):
            insert_row(TOMBSTONE, **tombstone_of(contract, contract_id=uuid4()))
