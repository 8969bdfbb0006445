"""Raw SQL against the rules for a contract that supersedes another."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from governance.domain.roles import Role
from governance.domain.values import ContractStatus
from governance.flows.propose_contract import record_review_verdicts
from governance.models import SystemContract
from governance.services.access.accounts import assign_role
from tests.support.attacks import (
    check_deferred_triggers,
    run_sql,
    trigger_off,
    update_row,
    violates_constraint,
)
from tests.support.clock import now
from tests.support.contracts import contract_columns_for, force_contract, insert_copy, taken_back
from tests.support.factories import MAY, VALIDATOR_VERDICT, contract_in, draft, eligible, reloaded
from tests.support.forgery import CONTRACT, forge_entry
from tests.support.roles import as_owner
from tests.support.succession import modified
from tests.support.users import Users

TOMBSTONE = "governance_contracttombstone"
DRAFTED, SUPERSEDED = "contract.proposal.drafted", "contract.review.superseded"


def forge_successor(
    old: SystemContract, users: Users, *, like: SystemContract, **changes: Any
) -> UUID:
    """Insert a DRAFT that supersedes `old`, with its ledger entry."""
    identity = insert_copy(
        like, **({"parent_id": old.pk, "proposed_by_id": users.founder.pk} | changes)
    )
    forge_entry(identity, event=DRAFTED, to_status="DRAFT")
    return identity


def forge_end(
    old: SystemContract, users: Users, *, event: str = SUPERSEDED, **changes: Any
) -> None:
    """End `old` as REJECTED, with its ledger entry."""
    ended = {"status": "REJECTED", "closed_at": now(), "updated_at": now()}
    row = ended | {"closed_by_id": users.founder.pk} | changes
    update_row(CONTRACT, old.pk, **row)
    forge_entry(old.pk, event=event, from_status="ELIGIBLE", to_status="REJECTED")


@pytest.fixture
def old(users: Users) -> SystemContract:
    return eligible(users)


@pytest.fixture
def pattern(users: Users) -> SystemContract:
    """Return a DRAFT whose row the forged successors copy."""
    return draft(users)


def test_forger__who_writes_everything_as_it_should_be__passes(
    users: Users, old: SystemContract, pattern: SystemContract
) -> None:
    """A control: the attacks below fail because of what each changes in these writes."""
    with taken_back(), as_owner():
        forge_successor(old, users, like=pattern)
        forge_end(old, users)
        check_deferred_triggers()


# --- at insertion ---
@pytest.mark.parametrize("status", [s for s in ContractStatus if s.value != "VALIDATED"])
def test_successor__of_a_contract_in_another_state__refused(
    users: Users, pattern: SystemContract, status: ContractStatus
) -> None:
    parent = contract_in(users, status)
    if status is ContractStatus.ELIGIBLE:
        with taken_back():
            forge_successor(parent, users, like=pattern)
        return
    with violates_constraint("contract_succession"):
        forge_successor(parent, users, like=pattern)


def test_successor__of_what_is_not_there_or_of_itself__refused(
    users: Users, pattern: SystemContract
) -> None:
    """The trigger checks at once: a deferred foreign key would let a cycle form before commit."""
    identity = uuid4()
    for parent in (uuid4(), identity):
        with violates_constraint("contract_succession"):
            insert_copy(pattern, id=identity, parent_id=parent)


def test_successors__of_each_other_in_one_statement__refused(
    users: Users, old: SystemContract
) -> None:
    one, two = uuid4(), uuid4()
    with violates_constraint("contract_succession"):
        run_sql(
            f"INSERT INTO {CONTRACT} SELECT (jsonb_populate_record(original, jsonb_build_object("
            " 'id', v.id, 'parent_id', v.parent, 'reference', v.id, 'status', 'ELIGIBLE'))).*"
            f" FROM {CONTRACT} AS original, (VALUES (%s, %s), (%s, %s)) AS v (id, parent)"
            " WHERE original.id = %s",
            *(str(one), str(two), str(two), str(one), old.pk),
        )


def test_successor__born_with_its_parents_verdicts__refused(
    users: Users, old: SystemContract
) -> None:
    with violates_constraint("contract_succession"):
        insert_copy(old, parent_id=old.pk, proposed_by_id=users.founder.pk)


def test_parent__given_removed_or_changed__refused(users: Users, old: SystemContract) -> None:
    child, other = modified(users), draft(users)
    for contract, parent in (
        (other, old.pk),
        (child, None),
        (child, old.pk),
        (child, child.pk),
    ):
        with violates_constraint("contract_origin_frozen"):
            update_row(CONTRACT, contract.pk, parent_id=parent)


def test_parent__of_a_contract_that_ended__refused(users: Users, old: SystemContract) -> None:
    ended = contract_in(users, ContractStatus.EXPIRED)
    for parent in (old.pk, ended.pk):
        # `contract_terminal_immutable` forbids this too; trigger order decides which one raises.
        with violates_constraint("contract_origin_frozen"):
            update_row(CONTRACT, ended.pk, parent_id=parent)


def test_successor__second_of_one_parent__refused(
    users: Users, old: SystemContract, pattern: SystemContract
) -> None:
    with violates_constraint("governance_systemcontract_parent_id_key"):
        forge_successor(old, users, like=pattern)
        forge_successor(old, users, like=pattern)


def test_successor__under_a_name_that_another_one_has__refused(
    users: Users, pattern: SystemContract
) -> None:
    taken, other = modified(users), eligible(users)
    with violates_constraint("governance_takenreference_reference_key"):
        forge_successor(other, users, like=pattern, reference=taken.reference)


# --- at commit ---
def test_successor__while_its_parent_goes_on__refused_at_commit(
    users: Users, old: SystemContract, pattern: SystemContract
) -> None:
    with violates_constraint("contract_succession", at_commit=True):
        forge_successor(old, users, like=pattern)
    with violates_constraint("contract_succession", at_commit=True):
        forge_successor(old, users, like=pattern)
        changes = contract_columns_for(old, ContractStatus.EXPIRED, users)
        update_row(CONTRACT, old.pk, **changes)
        forge_entry(
            old.pk, event="contract.review.expired", from_status="ELIGIBLE", to_status="EXPIRED"
        )


def test_successor__whose_parent_was_plainly_rejected__refused_at_commit(
    users: Users, old: SystemContract, pattern: SystemContract
) -> None:
    with violates_constraint("contract_succession", at_commit=True):
        forge_successor(old, users, like=pattern)
        forge_end(old, users, event="contract.review.rejected")


@pytest.mark.parametrize(
    ("proposer", "closer"),
    [("founder", "second_founder"), ("operator", "operator"), ("operator", "founder")],
)
def test_successor__proposed_by_another_than_who_modified__refused_at_commit(
    users: Users, old: SystemContract, pattern: SystemContract, proposer: str, closer: str
) -> None:
    assign_role(users.operator, Role.FOUNDER)
    with violates_constraint("contract_succession", at_commit=True):
        forge_successor(old, users, like=pattern, proposed_by_id=getattr(users, proposer).pk)
        forge_end(old, users, closed_by_id=getattr(users, closer).pk)


def test_parent__superseded_by_nothing__refused_at_commit(
    users: Users, old: SystemContract
) -> None:
    with violates_constraint("contract_succession", at_commit=True):
        forge_end(old, users)


def test_successor__without_an_entry__refused_at_commit(
    users: Users, old: SystemContract, pattern: SystemContract
) -> None:
    with violates_constraint("ledger_covers_status", at_commit=True):
        insert_copy(pattern, parent_id=old.pk, proposed_by_id=users.founder.pk)
        forge_end(old, users)


# --- afterwards ---
def test_successor__approved_by_who_modified__refused(users: Users) -> None:
    child = modified(users)
    record_review_verdicts(
        contract_id=child.pk,
        validator_verdict=VALIDATOR_VERDICT,
        eligibility_verdict=MAY,
        actor=users.operator,
    )
    with violates_constraint("signature_four_eyes"):
        force_contract(child, ContractStatus.APPROVED, users)
    with violates_constraint("contract_four_eyes"):  # also without a signature
        update_row(
            CONTRACT,
            child.pk,
            **contract_columns_for(reloaded(child), ContractStatus.APPROVED, users),
        )


def test_parent__after_it_was_superseded__is_never_touched(users: Users) -> None:
    parent = reloaded(modified(users)).parent
    with violates_constraint("contract_terminal_immutable"):
        update_row(CONTRACT, parent.pk, closed_reason="Other")
    with violates_constraint("contract_never_removed"):
        run_sql(f"DELETE FROM {CONTRACT} WHERE id = %s", parent.pk)


def test_parent__that_is_not_there__is_refused_by_either_trigger(
    users: Users, pattern: SystemContract
) -> None:
    """No foreign key protects `parent_id`, because a removed parent leaves only a tombstone."""
    with (
        violates_constraint("contract_succession"),
        trigger_off(CONTRACT, "contract_has_eligible_parent"),
    ):
        forge_successor(SystemContract(pk=uuid4()), users, like=pattern)
    with violates_constraint("contract_succession"), trigger_off(CONTRACT, "contract_succession"):
        forge_successor(SystemContract(pk=uuid4()), users, like=pattern)
