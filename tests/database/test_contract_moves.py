"""CONTRACT-001: the valid transitions of a contract's status, in Python and in PostgreSQL."""

from __future__ import annotations

import itertools

import pytest
from django.db import IntegrityError
from django_fsm import TransitionNotAllowed

from governance.domain.errors import InvalidTransitionError, NotActiveError, NotLapsedError
from governance.domain.lifecycles import (
    CONTRACT_INITIAL_STATES,
    CONTRACT_VALID_TRANSITIONS,
    ContractStateMachine,
)
from governance.domain.values import ContractStatus
from governance.models import SystemContract
from tests.support import moves
from tests.support.attacks import run_sql, update_row, violated_constraint, violates_constraint
from tests.support.contracts import (
    OPEN_STATES,
    checks_alone,
    contract_anywhere,
    contract_columns_for,
    insert_copy,
    refused,
    taken_back,
)
from tests.support.factories import approved, draft, eligible
from tests.support.forgery import CONTRACT, forge_entry
from tests.support.moves import BEGINS_AT, Operation
from tests.support.users import Users

TABLE = {(a, b) for a, targets in CONTRACT_VALID_TRANSITIONS.items() for b in targets}
# Operations that refuse a valid transition: each ends a contract from one status only.
OTHER_REFUSALS = {
    (moves.fail, ContractStatus.APPROVED): (NotActiveError, "not_active"),
    (moves.lapse, ContractStatus.ACTIVE): (NotLapsedError, "not_lapsed"),
}


class TestCONTRACT001Moves:
    @pytest.mark.parametrize("before", ContractStatus)
    def test_raw_update__from_each_state_to_each_other__only_the_tables_moves_pass(
        self, users: Users, before: ContractStatus
    ) -> None:
        contract = contract_anywhere(users, before)
        passed, refusals = set(), set()
        for after in set(ContractStatus) - {before}:
            try:
                with taken_back():
                    update_row(
                        CONTRACT, contract.pk, **contract_columns_for(contract, after, users)
                    )
            except IntegrityError as error:
                refusals.add(violated_constraint(error))
            else:
                passed.add(after)
        assert passed == CONTRACT_VALID_TRANSITIONS[before]
        terminal = not CONTRACT_VALID_TRANSITIONS[before]
        assert refusals == {"contract_terminal_immutable" if terminal else "contract_moves"}

    def test_transitions_of_the_model__are_exactly_the_tables(self) -> None:
        field = SystemContract._meta.get_field("status")
        assert {(t.source, t.target) for t in field.get_all_transitions(SystemContract)} == TABLE

    @pytest.mark.django_db
    def test_moves_that_postgres_knows__are_exactly_the_tables(self) -> None:
        pairs = itertools.product(["", *ContractStatus], repeat=2)
        known = {
            (a, b)
            for a, b in pairs
            if run_sql("SELECT governance_contract_may_move(%s, %s)", str(a), str(b)) == [(True,)]
        }
        assert known == TABLE

    def test_state_machine__answers_as_the_table(self) -> None:
        for before, after in itertools.product(ContractStatus, repeat=2):
            assert ContractStateMachine.can_move(before, after) == ((before, after) in TABLE)

    @pytest.mark.parametrize("status", ContractStatus)
    def test_raw_insert__born_in_each_state__only_the_birth_states_pass(
        self, users: Users, status: ContractStatus
    ) -> None:
        contract = contract_anywhere(users, status)
        if status in CONTRACT_INITIAL_STATES:
            with taken_back():
                insert_copy(contract)
            return
        with violates_constraint("contract_moves"):
            insert_copy(contract)

    @pytest.mark.parametrize("status", ["", "eligible", "DONE"])
    def test_raw_update__unknown_status__refused(self, users: Users, status: str) -> None:
        with violates_constraint("contract_moves"):
            update_row(CONTRACT, eligible(users).pk, status=status)

    def test_raw_update__unknown_status_without_the_trigger__refused(self, users: Users) -> None:
        contract = eligible(users)
        with checks_alone(), violates_constraint("contract_status_known"):
            update_row(CONTRACT, contract.pk, status="DONE")

    @pytest.mark.parametrize("before", OPEN_STATES)
    @pytest.mark.parametrize("operation", BEGINS_AT, ids=lambda operation: operation.__name__)
    def test_operation__on_a_state_it_does_not_begin_at__refused(
        self, users: Users, operation: Operation, before: ContractStatus
    ) -> None:
        contract = contract_anywhere(users, before)
        if before in BEGINS_AT[operation]:
            with taken_back():
                operation(contract, users)
            return
        usual = (InvalidTransitionError, "invalid_transition")
        if operation is moves.mark_inconclusive:
            usual = (NotActiveError, "not_active")
        with refused(*OTHER_REFUSALS.get((operation, before), usual)):
            operation(contract, users)

    def test_model__asked_for_a_move_outside_the_table__refuses(self, users: Users) -> None:
        contract = draft(users)
        with pytest.raises(TransitionNotAllowed):
            contract.to_active()
        assert contract.status == ContractStatus.DRAFT

    def test_model__status_assigned__refuses(self, users: Users) -> None:
        contract = draft(users)
        with pytest.raises(AttributeError):
            contract.status = ContractStatus.APPROVED

    def test_orm__update_past_the_models_protection__refused(self, users: Users) -> None:
        contract = draft(users)
        with violates_constraint("contract_moves"):
            SystemContract.objects.filter(pk=contract.pk).update(status="APPROVED")

    def test_orm__bulk_create_of_an_approved_contract__refused(self, users: Users) -> None:
        contract = approved(users)
        fields = {f.attname: getattr(contract, f.attname) for f in contract._meta.concrete_fields}
        copy = SystemContract(**(fields | {"id": None, "reference": "COPY"}))
        copy.pk = SystemContract._meta.pk.get_default()
        with violates_constraint("contract_moves"):
            SystemContract.objects.bulk_create([copy])


class TestContractMovesAreRecorded:
    """LEDGER for contracts: every transition needs an entry in the contract's chain."""

    def test_raw_update__legal_move_without_its_entry__refused_at_commit(
        self, users: Users
    ) -> None:
        contract = draft(users)
        with violates_constraint("ledger_covers_status", at_commit=True):
            update_row(CONTRACT, contract.pk, status="VALIDATED")

    def test_raw_update__two_moves_recorded_as_one__refused(self, users: Users) -> None:
        contract = draft(users)
        with violates_constraint("ledger_chain"):
            update_row(CONTRACT, contract.pk, status="VALIDATED")
            eligible_now = contract_columns_for(contract, ContractStatus.ELIGIBLE, users)
            update_row(CONTRACT, contract.pk, **eligible_now)
            forge_entry(
                contract.pk,
                event="contract.attack.moved",
                from_status="DRAFT",
                to_status="ELIGIBLE",
            )

    def test_raw_insert__eligible_without_its_history__refused_at_commit(
        self, users: Users
    ) -> None:
        contract = eligible(users)
        with violates_constraint("ledger_covers_status", at_commit=True):
            insert_copy(contract)

    def test_raw_insert__eligible_that_was_never_a_draft__refused(self, users: Users) -> None:
        contract = eligible(users)
        with violates_constraint("ledger_chain"):
            born = insert_copy(contract)
            forge_entry(born, event="contract.attack.born", to_status="ELIGIBLE")

    def test_raw_entry__legal_move_from_where_the_contract_never_stood__refused(
        self, users: Users
    ) -> None:
        with violates_constraint("ledger_chain"):
            forge_entry(
                draft(users).pk,
                event="contract.attack.moved",
                from_status="ELIGIBLE",
                to_status="REJECTED",
            )

    def test_raw_entry__second_birth__refused(self, users: Users) -> None:
        with violates_constraint("ledger_chain"):
            forge_entry(eligible(users).pk, event="contract.attack.born", to_status="DRAFT")

    def test_raw_entry__move_of_an_unknown_subject__refused(self, users: Users) -> None:
        with violates_constraint("ledger_chain"):
            forge_entry(eligible(users).pk, event="visitor.attack.moved", to_status="DRAFT")
