"""A contract that takes another's place, attacked with raw SQL."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from governance.flows.propose_contract import record_verdicts
from governance.models import SystemContract
from governance.vocabulary.values import ContractStatus
from tests.support.attacks import (
    check_deferred_laws,
    law_off,
    refused_by,
    run_sql,
    update_row,
)
from tests.support.cast import Cast
from tests.support.contracts import columns_for, force_contract, insert_copy, taken_back
from tests.support.forgery import CONTRACT, NOON, forge_entry
from tests.support.roles import as_owner
from tests.support.stories import MAY, VALIDATOR_VERDICT, again, contract_in, draft, eligible, now
from tests.support.succession import modified

DRAFTED, SUPERSEDED = "contract.proposal.drafted", "contract.review.superseded"


def forge_heir(old: SystemContract, cast: Cast, *, like: SystemContract, **changes: Any) -> UUID:
    """A DRAFT in the place of `old`, told in its own chain."""
    identity = insert_copy(
        like, **({"parent_id": old.pk, "proposed_by_id": cast.founder.pk} | changes)
    )
    forge_entry(identity, event=DRAFTED, to_status="DRAFT")
    return identity


def forge_end(old: SystemContract, cast: Cast, *, event: str = SUPERSEDED, **changes: Any) -> None:
    """`old` ends REJECTED, told in its chain."""
    row = {"status": "REJECTED", "closed_at": NOON, "closed_by_id": cast.founder.pk} | changes
    update_row(CONTRACT, old.pk, **row)
    forge_entry(old.pk, event=event, from_status="ELIGIBLE", to_status="REJECTED")


@pytest.fixture
def old(cast: Cast) -> SystemContract:
    return eligible(cast)


@pytest.fixture
def pattern(cast: Cast) -> SystemContract:
    """A DRAFT, for the forger to copy."""
    return draft(cast)


def test_forger__who_writes_everything_as_it_should_be__passes(
    cast: Cast, old: SystemContract, pattern: SystemContract
) -> None:
    """So that what the attacks below leave out or change is what is refused."""
    with taken_back(), as_owner():
        forge_heir(old, cast, like=pattern)
        forge_end(old, cast)
        check_deferred_laws()


# --- at birth ---
@pytest.mark.parametrize("status", [s for s in ContractStatus if s.value != "VALIDATED"])
def test_heir__of_a_contract_in_another_state__refused(
    cast: Cast, pattern: SystemContract, status: ContractStatus
) -> None:
    parent = contract_in(cast, status)
    if status is ContractStatus.ELIGIBLE:
        with taken_back():
            forge_heir(parent, cast, like=pattern)
        return
    with refused_by("contract_succession"):
        forge_heir(parent, cast, like=pattern)


def test_heir__of_what_is_not_there_or_of_itself__refused(
    cast: Cast, pattern: SystemContract
) -> None:
    """Foreign keys wait for the commit; a circle could be closed until then."""
    identity = uuid4()
    for parent in (uuid4(), identity):
        with refused_by("contract_succession"):
            insert_copy(pattern, id=identity, parent_id=parent)


def test_heirs__of_each_other_in_one_statement__refused(cast: Cast, old: SystemContract) -> None:
    one, two = uuid4(), uuid4()
    with refused_by("contract_succession"):
        run_sql(
            f"INSERT INTO {CONTRACT} SELECT (jsonb_populate_record(original, jsonb_build_object("
            " 'id', v.id, 'parent_id', v.parent, 'reference', v.id, 'status', 'ELIGIBLE'))).*"
            f" FROM {CONTRACT} AS original, (VALUES (%s, %s), (%s, %s)) AS v (id, parent)"
            " WHERE original.id = %s",
            *(str(one), str(two), str(two), str(one), old.pk),
        )


def test_heir__born_with_its_parents_verdicts__refused(cast: Cast, old: SystemContract) -> None:
    with refused_by("contract_succession"):
        insert_copy(old, parent_id=old.pk, proposed_by_id=cast.founder.pk)


def test_parent__given_taken_away_or_changed__refused(cast: Cast, old: SystemContract) -> None:
    child, other = modified(cast), draft(cast)
    for contract, parent in (
        (other, old.pk),
        (child, None),
        (child, old.pk),
        (child, child.pk),
    ):
        with refused_by("contract_origin_frozen"):
            update_row(CONTRACT, contract.pk, parent_id=parent)


def test_parent__of_a_contract_that_ended__refused(cast: Cast, old: SystemContract) -> None:
    ended = contract_in(cast, ContractStatus.EXPIRED)
    for parent in (old.pk, ended.pk):
        # Which of the two laws speaks first is all the same.
        with refused_by("contract_origin_frozen"):
            update_row(CONTRACT, ended.pk, parent_id=parent)


def test_heir__second_of_one_parent__refused(
    cast: Cast, old: SystemContract, pattern: SystemContract
) -> None:
    with refused_by("governance_systemcontract_parent_id_key"):
        forge_heir(old, cast, like=pattern)
        forge_heir(old, cast, like=pattern)


def test_heir__under_a_name_that_another_one_has__refused(
    cast: Cast, pattern: SystemContract
) -> None:
    taken, other = modified(cast), eligible(cast)
    with refused_by("contract_revision_named_once"):
        forge_heir(other, cast, like=pattern, reference=taken.reference)


# --- at commit ---
def test_heir__while_its_parent_goes_on__refused_at_commit(
    cast: Cast, old: SystemContract, pattern: SystemContract
) -> None:
    with refused_by("contract_succession", at_commit=True):
        forge_heir(old, cast, like=pattern)
    with refused_by("contract_succession", at_commit=True):
        forge_heir(old, cast, like=pattern)
        changes = columns_for(old, ContractStatus.EXPIRED, cast)
        update_row(CONTRACT, old.pk, **changes)
        forge_entry(
            old.pk, event="contract.review.expired", from_status="ELIGIBLE", to_status="EXPIRED"
        )


def test_heir__whose_parent_was_plainly_rejected__refused_at_commit(
    cast: Cast, old: SystemContract, pattern: SystemContract
) -> None:
    with refused_by("contract_succession", at_commit=True):
        forge_heir(old, cast, like=pattern)
        forge_end(old, cast, event="contract.review.rejected")


@pytest.mark.parametrize(
    ("proposer", "closer"),
    [("founder", "second_founder"), ("operator", "operator"), ("operator", "founder")],
)
def test_heir__of_somebody_else_than_who_modified__refused_at_commit(
    cast: Cast, old: SystemContract, pattern: SystemContract, proposer: str, closer: str
) -> None:
    with refused_by("contract_succession", at_commit=True):
        forge_heir(old, cast, like=pattern, proposed_by_id=getattr(cast, proposer).pk)
        forge_end(old, cast, closed_by_id=getattr(cast, closer).pk)


def test_parent__superseded_by_nothing__refused_at_commit(cast: Cast, old: SystemContract) -> None:
    with refused_by("contract_succession", at_commit=True):
        forge_end(old, cast)


def test_heir__untold__refused_at_commit(
    cast: Cast, old: SystemContract, pattern: SystemContract
) -> None:
    with refused_by("ledger_tells_status", at_commit=True):
        insert_copy(pattern, parent_id=old.pk, proposed_by_id=cast.founder.pk)
        forge_end(old, cast)


# --- afterwards ---
def test_heir__approved_by_who_modified__refused(cast: Cast) -> None:
    child = modified(cast)
    record_verdicts(
        contract_id=child.pk,
        validator_verdict=VALIDATOR_VERDICT,
        eligibility_verdict=MAY,
        actor=cast.operator,
        at=now(),
    )
    with refused_by("signature_four_eyes"):
        force_contract(child, ContractStatus.APPROVED, cast)
    with refused_by("contract_four_eyes"):  # and without a signature
        update_row(CONTRACT, child.pk, **columns_for(again(child), ContractStatus.APPROVED, cast))


def test_parent__after_it_was_superseded__is_never_touched(cast: Cast) -> None:
    parent = again(modified(cast)).parent
    with refused_by("contract_terminal_immutable"):
        update_row(CONTRACT, parent.pk, closed_reason="Other")
    with refused_by("contract_never_removed"):
        run_sql(f"DELETE FROM {CONTRACT} WHERE id = %s", parent.pk)


def test_parent__that_is_not_there__is_refused_by_either_law(
    cast: Cast, pattern: SystemContract
) -> None:
    """There is no foreign key: a parent may be archived and removed, and leaves its tombstone."""
    with refused_by("contract_succession"), law_off(CONTRACT, "contract_born_of_parent"):
        forge_heir(SystemContract(pk=uuid4()), cast, like=pattern)
    with refused_by("contract_succession"), law_off(CONTRACT, "contract_succession"):
        forge_heir(SystemContract(pk=uuid4()), cast, like=pattern)
