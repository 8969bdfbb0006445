"""The one exception to append-only: the owner removes a contract and leaves a tombstone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, ProgrammingError, transaction

from governance.domain.values import ContractStatus
from governance.models import ContractTombstone, SystemContract
from tests.support.archives import AT_REST, remove_with_tombstone, tombstone_of
from tests.support.attacks import (
    as_replica,
    check_deferred_triggers,
    insert_row,
    nothing_written,
    run_sql,
    trigger_off,
    violated_constraint,
    violates_constraint,
)
from tests.support.factories import contract_in
from tests.support.forgery import CONTRACT, JOB, LEDGER, forge_entry
from tests.support.roles import as_owner, require_app_role
from tests.support.tampering import tamper
from tests.support.users import Users

TOMBSTONE = "governance_contracttombstone"
JOBS = f"(SELECT id FROM {JOB} WHERE contract_id = %s)"
# The tables that hold a contract's rows, by the constraint that forbids their removal.
KEPT_BY = {
    "contract_never_removed": (CONTRACT, "id = %s"),
    "ledger_append_only": (LEDGER, "contract_id = %s"),
    "signature_append_only": ("governance_approvalsignature", "contract_id = %s"),
    "job_never_removed": (JOB, "contract_id = %s"),
    "job_step_written_once": ("governance_jobstep", f"job_id IN {JOBS}"),
    "step_result_append_only": ("governance_stepresult", f"job_id IN {JOBS}"),
    "health_snapshot_written_once": ("governance_healthsnapshot", f"job_id IN {JOBS}"),
    "observation_append_only": ("governance_observation", f"job_id IN {JOBS}"),
    "evidence_written_once": ("governance_auditevidence", f"job_id IN {JOBS}"),
    "audit_attempt_append_only": ("governance_auditattempt", f"job_id IN {JOBS}"),
    "audit_append_only": ("governance_governanceaudit", f"job_id IN {JOBS}"),
    "resolution_append_only": (
        "governance_auditresolution",
        f"audit_id IN (SELECT id FROM governance_governanceaudit WHERE job_id IN {JOBS})",
    ),
}
OF_A_DISCUSSION = {
    "comment_append_only": ("governance_contractcomment", "contract_id = %s"),
    "clarification_request_append_only": ("governance_clarificationrequest", "contract_id = %s"),
    "clarification_answer_append_only": (
        "governance_clarificationanswer",
        "request_id IN (SELECT id FROM governance_clarificationrequest WHERE contract_id = %s)",
    ),
    "notice_never_removed": ("governance_notice", "contract_id = %s"),
}


# --- lawful ---
@pytest.mark.parametrize("way", AT_REST)
def test_owner__with_a_true_tombstone__removes_the_contract(users: Users, way: str) -> None:
    contract = AT_REST[way](users)
    check_deferred_triggers()
    with as_owner():
        remove_with_tombstone(contract)
        [(owner,)] = run_sql("SELECT current_user")
        check_deferred_triggers()
    assert not SystemContract.objects.filter(pk=contract.pk).exists()
    tombstone = ContractTombstone.objects.get()
    assert tombstone.removed_by == owner  # the trigger sets it
    assert tombstone.transaction_id == run_sql("SELECT txid_current()")[0][0]


# --- no removal without a tombstone ---
@pytest.mark.parametrize("constraint", KEPT_BY)
def test_owner__without_a_tombstone__removes_nothing(users: Users, constraint: str) -> None:
    contract = AT_REST["resolved"](users)
    table, where = KEPT_BY[constraint]
    with violates_constraint(constraint):
        run_sql(f"DELETE FROM {table} WHERE {where}", contract.pk)


@pytest.mark.parametrize("constraint", OF_A_DISCUSSION)
def test_owner__without_a_tombstone__removes_no_comment_or_clarification(
    users: Users, constraint: str
) -> None:
    contract = AT_REST["discussed"](users)
    table, where = OF_A_DISCUSSION[constraint]
    with violates_constraint(constraint):
        run_sql(f"DELETE FROM {table} WHERE {where}", contract.pk)


@pytest.mark.parametrize("constraint", KEPT_BY)
def test_owner__with_anothers_tombstone__removes_nothing(users: Users, constraint: str) -> None:
    contract, other = AT_REST["resolved"](users), AT_REST["completed"](users)
    table, where = KEPT_BY[constraint]
    with violates_constraint(constraint):
        insert_row(TOMBSTONE, **tombstone_of(other))
        run_sql(f"DELETE FROM {table} WHERE {where}", contract.pk)


def test_tombstone__of_an_earlier_transaction__opens_nothing(committed: Users) -> None:
    """The owner could insert such a tombstone with the triggers off."""
    contract = contract_in(committed, ContractStatus.COMPLETED)
    with trigger_off(TOMBSTONE, "tombstone_fits_contract", "tombstone_leaves_nothing"):
        insert_row(TOMBSTONE, **tombstone_of(contract, transaction_id=1))
    with pytest.raises(DatabaseError) as refusal, as_owner():
        run_sql(f"DELETE FROM {LEDGER} WHERE contract_id = %s", contract.pk)
    assert violated_constraint(refusal.value) == "ledger_append_only"


def test_entry__that_the_tombstone_does_not_count__stays(users: Users) -> None:
    contract = contract_in(users, ContractStatus.COMPLETED)
    with violates_constraint("ledger_append_only"):
        run_sql(f"ALTER TABLE {LEDGER} DISABLE TRIGGER ledger_chain")
        insert_row(TOMBSTONE, **tombstone_of(contract))
        forge_entry(contract.pk, event="contract.audit.inconclusive", from_status="", to_status="")
        run_sql(f"DELETE FROM {LEDGER} WHERE contract_id = %s", contract.pk)


# --- no false tombstone ---
@pytest.mark.parametrize(
    "changes",
    [
        {"head_sha256": "0" * 64},
        {"entries": 11},
        {"entries": 13},
        {"status": "FAILED"},
        {"reference": "ANOTHER"},
        {"proposal_digest": "0" * 64},
        {"parent_id": "0197a0c2-0000-7000-8000-000000000000"},
        {"contract_id": "0197a0c2-0000-7000-8000-000000000000"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_tombstone__that_is_false__is_refused(users: Users, changes: dict[str, Any]) -> None:
    contract = contract_in(users, ContractStatus.COMPLETED)
    with violates_constraint("tombstone_fits_contract"):
        insert_row(TOMBSTONE, **tombstone_of(contract, **changes))


@pytest.mark.parametrize(
    "status",
    [
        ContractStatus.DRAFT,
        ContractStatus.ELIGIBLE,
        ContractStatus.APPROVED,
        ContractStatus.ACTIVE,
    ],
)
def test_tombstone__of_a_contract_that_goes_on__is_refused(
    users: Users, status: ContractStatus
) -> None:
    contract = contract_in(users, status)
    with violates_constraint("tombstone_fits_contract"):
        remove_with_tombstone(contract)


def test_tombstone__of_a_job_that_goes_on__is_refused(users: Users) -> None:
    contract = contract_in(users, ContractStatus.COMPLETED)
    tamper(
        f"UPDATE {JOB} SET status = 'PENDING', started_at = NULL, started_by_id = NULL,"
        " deadline_at = NULL, execution_token_sha256 = NULL, ended_at = NULL, ended_by_id = NULL,"
        " end_reason = '', current_step_index = 0"
    )
    with violates_constraint("tombstone_fits_contract"):
        remove_with_tombstone(contract)


def test_tombstone__that_is_written_twice__is_refused(users: Users) -> None:
    contract = contract_in(users, ContractStatus.COMPLETED)
    with violates_constraint("tombstone_fits_contract"):
        remove_with_tombstone(contract)
        insert_row(TOMBSTONE, **tombstone_of(contract))


@pytest.mark.parametrize("way", AT_REST)
def test_tombstone__beside_its_contract__is_refused_at_commit(users: Users, way: str) -> None:
    contract = AT_REST[way](users)
    with violates_constraint("tombstone_leaves_nothing", at_commit=True):
        insert_row(TOMBSTONE, **tombstone_of(contract))


@pytest.mark.parametrize("constraint", ["ledger_append_only", "job_never_removed"])
def test_tombstone__beside_what_is_left__is_refused_at_commit(
    users: Users, constraint: str
) -> None:
    """Some rows are left behind by a session that checks no foreign keys."""
    remove_all_but(constraint, AT_REST["resolved"](users), KEPT_BY)


@pytest.mark.parametrize(
    "constraint",
    ["comment_append_only", "clarification_request_append_only", "notice_never_removed"],
)
def test_tombstone__beside_comments_or_clarifications__is_refused_at_commit(
    users: Users, constraint: str
) -> None:
    remove_all_but(constraint, AT_REST["discussed"](users), KEPT_BY | OF_A_DISCUSSION)


def test_tombstone__beside_a_signature__is_refused_at_commit(users: Users) -> None:
    remove_all_but("signature_append_only", AT_REST["resolved"](users), KEPT_BY)


def remove_all_but(
    constraint: str, contract: SystemContract, tables: dict[str, tuple[str, str]]
) -> None:
    with violates_constraint("tombstone_leaves_nothing", at_commit=True), as_replica():
        insert_row(TOMBSTONE, **tombstone_of(contract))
        # Delete referencing rows before the rows they reference.
        for keeper in reversed(tables):
            table, where = tables[keeper]
            if keeper != constraint:
                run_sql(f"DELETE FROM {table} WHERE {where}", contract.pk)


# --- a tombstone is permanent ---
@pytest.mark.parametrize(
    "attack",
    [
        f"UPDATE {TOMBSTONE} SET file_sha256 = '{'1' * 64}'",
        f"DELETE FROM {TOMBSTONE}",
        f"TRUNCATE {TOMBSTONE}",
    ],
)
def test_tombstone__attacked_by_any_role__stays(users: Users, attack: str) -> None:
    contract = contract_in(users, ContractStatus.COMPLETED)
    check_deferred_triggers()
    with as_owner():
        remove_with_tombstone(contract)
    with violates_constraint("tombstone_append_only"):
        run_sql(attack)


def test_contract__of_an_id_that_was_removed__is_refused(users: Users) -> None:
    removed = contract_in(users, ContractStatus.REJECTED)
    other = contract_in(users, ContractStatus.ELIGIBLE)
    check_deferred_triggers()
    with as_owner():
        remove_with_tombstone(removed)
    with violates_constraint("removal_is_final"):
        run_sql(
            f"CREATE TEMPORARY TABLE reborn AS SELECT * FROM {CONTRACT} WHERE id = %s", other.pk
        )
        run_sql("UPDATE reborn SET id = %s, reference = 'NEW'", removed.pk)
        run_sql(f"INSERT INTO {CONTRACT} SELECT * FROM reborn")


# --- by the owner only ---
def test_application__reads_tombstones_and_writes_none(users: Users) -> None:
    role = require_app_role()
    contract = contract_in(users, ContractStatus.COMPLETED)
    assert run_sql("SELECT current_user") == [(role,)]
    assert run_sql(f"SELECT count(*) FROM {TOMBSTONE}") == [(0,)]
    attacks: list[Callable[[], Any]] = [
        lambda: insert_row(TOMBSTONE, **tombstone_of(contract)),
        lambda: remove_with_tombstone(contract),
        *(
            lambda table=table, where=where: run_sql(
                f"DELETE FROM {table} WHERE {where}", contract.pk
            )
            for table, where in (KEPT_BY | OF_A_DISCUSSION).values()
        ),
    ]
    for attack in attacks:
        with (
            nothing_written(),
            pytest.raises(ProgrammingError, match="permission denied"),
            transaction.atomic(),
        ):
            attack()


def test_application__given_every_right_by_mistake__is_refused_by_the_trigger(users: Users) -> None:
    role = require_app_role()
    contract = contract_in(users, ContractStatus.COMPLETED)
    with as_owner():
        run_sql(f'GRANT ALL ON ALL TABLES IN SCHEMA public TO "{role}"')
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        remove_with_tombstone(contract)
    assert violated_constraint(refusal.value) == "tombstone_by_owner"
    # The application may not use a tombstone of the owner from the same transaction either.
    with transaction.atomic():
        with as_owner():
            insert_row(TOMBSTONE, **tombstone_of(contract))
        with pytest.raises(IntegrityError) as refusal, transaction.atomic():
            run_sql(f"DELETE FROM {LEDGER} WHERE contract_id = %s", contract.pk)
        transaction.set_rollback(True)
    assert violated_constraint(refusal.value) == "ledger_append_only"
