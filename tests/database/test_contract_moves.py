"""CONTRACT-001: a contract's status moves only along the table, in Python and in PostgreSQL."""

from __future__ import annotations

import itertools

import pytest
from django.db import IntegrityError
from django_fsm import TransitionNotAllowed

from governance.models import SystemContract
from governance.vocabulary.errors import InvalidTransitionError, WrongStateError
from governance.vocabulary.lifecycles import (
    CONTRACT_BIRTH_STATES,
    CONTRACT_VALID_TRANSITIONS,
    ContractStateMachine,
)
from governance.vocabulary.values import ContractStatus
from tests.support import moves
from tests.support.attacks import law_named, refused_by, run_sql, update_row
from tests.support.cast import Cast
from tests.support.contracts import (
    OPEN_STATES,
    checks_alone,
    columns_for,
    contract_anywhere,
    insert_copy,
    refused,
    taken_back,
)
from tests.support.forgery import CONTRACT, forge_entry
from tests.support.moves import BEGINS_AT, Operation
from tests.support.stories import approved, draft, eligible

TABLE = {(a, b) for a, targets in CONTRACT_VALID_TRANSITIONS.items() for b in targets}
# What refuses where the move is legal, but not for this state (the ends without a job's verdict).
OTHER_REFUSALS = {
    (moves.fail, ContractStatus.APPROVED): (WrongStateError, "not_active"),
    (moves.lapse, ContractStatus.ACTIVE): (WrongStateError, "not_lapsed"),
}


class TestCONTRACT001Moves:
    @pytest.mark.parametrize("before", ContractStatus)
    def test_raw_update__from_each_state_to_each_other__only_the_tables_moves_pass(
        self, cast: Cast, before: ContractStatus
    ) -> None:
        contract = contract_anywhere(cast, before)
        passed, refusals = set(), set()
        for after in set(ContractStatus) - {before}:
            try:
                with taken_back():
                    update_row(CONTRACT, contract.pk, **columns_for(contract, after, cast))
            except IntegrityError as error:
                refusals.add(law_named(error))
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
        self, cast: Cast, status: ContractStatus
    ) -> None:
        contract = contract_anywhere(cast, status)
        if status in CONTRACT_BIRTH_STATES:
            with taken_back():
                insert_copy(contract)
            return
        with refused_by("contract_moves"):
            insert_copy(contract)

    @pytest.mark.parametrize("status", ["", "eligible", "DONE"])
    def test_raw_update__status_nobody_knows__refused(self, cast: Cast, status: str) -> None:
        with refused_by("contract_moves"):
            update_row(CONTRACT, eligible(cast).pk, status=status)

    def test_raw_update__status_nobody_knows_without_the_trigger__refused(self, cast: Cast) -> None:
        contract = eligible(cast)
        with checks_alone(), refused_by("contract_status_known"):
            update_row(CONTRACT, contract.pk, status="DONE")

    @pytest.mark.parametrize("before", OPEN_STATES)
    @pytest.mark.parametrize("operation", BEGINS_AT, ids=lambda operation: operation.__name__)
    def test_operation__on_a_state_it_does_not_begin_at__refused(
        self, cast: Cast, operation: Operation, before: ContractStatus
    ) -> None:
        contract = contract_anywhere(cast, before)
        if before in BEGINS_AT[operation]:
            with taken_back():
                operation(contract, cast)
            return
        usual = (InvalidTransitionError, "invalid_transition")
        if operation is moves.leave_open:
            usual = (WrongStateError, "not_active")
        with refused(*OTHER_REFUSALS.get((operation, before), usual)):
            operation(contract, cast)

    def test_model__asked_for_a_move_outside_the_table__refuses(self, cast: Cast) -> None:
        contract = draft(cast)
        with pytest.raises(TransitionNotAllowed):
            contract.to_active()
        assert contract.status == ContractStatus.DRAFT

    def test_model__status_assigned__refuses(self, cast: Cast) -> None:
        contract = draft(cast)
        with pytest.raises(AttributeError):
            contract.status = ContractStatus.APPROVED

    def test_orm__update_past_the_models_protection__refused(self, cast: Cast) -> None:
        contract = draft(cast)
        with refused_by("contract_moves"):
            SystemContract.objects.filter(pk=contract.pk).update(status="APPROVED")

    def test_orm__bulk_create_of_an_approved_contract__refused(self, cast: Cast) -> None:
        contract = approved(cast)
        fields = {f.attname: getattr(contract, f.attname) for f in contract._meta.concrete_fields}
        copy = SystemContract(**(fields | {"id": None, "reference": "COPY"}))
        copy.pk = SystemContract._meta.pk.get_default()
        with refused_by("contract_moves"):
            SystemContract.objects.bulk_create([copy])


class TestContractMovesAreTold:
    """LEDGER, seen from the contract: no move that its chain does not tell."""

    def test_raw_update__legal_move_without_its_entry__refused_at_commit(self, cast: Cast) -> None:
        contract = draft(cast)
        with refused_by("ledger_tells_status", at_commit=True):
            update_row(CONTRACT, contract.pk, status="VALIDATED")

    def test_raw_update__two_moves_told_as_one__refused(self, cast: Cast) -> None:
        contract = draft(cast)
        with refused_by("ledger_chain"):
            update_row(CONTRACT, contract.pk, status="VALIDATED")
            eligible_now = columns_for(contract, ContractStatus.ELIGIBLE, cast)
            update_row(CONTRACT, contract.pk, **eligible_now)
            forge_entry(
                contract.pk,
                event="contract.attack.moved",
                from_status="DRAFT",
                to_status="ELIGIBLE",
            )

    def test_raw_insert__eligible_without_its_history__refused_at_commit(self, cast: Cast) -> None:
        contract = eligible(cast)
        with refused_by("ledger_tells_status", at_commit=True):
            insert_copy(contract)

    def test_raw_insert__eligible_that_was_never_a_draft__refused(self, cast: Cast) -> None:
        contract = eligible(cast)
        with refused_by("ledger_chain"):
            born = insert_copy(contract)
            forge_entry(born, event="contract.attack.born", to_status="ELIGIBLE")

    def test_raw_entry__legal_move_from_where_the_contract_never_stood__refused(
        self, cast: Cast
    ) -> None:
        with refused_by("ledger_chain"):
            forge_entry(
                draft(cast).pk,
                event="contract.attack.moved",
                from_status="ELIGIBLE",
                to_status="REJECTED",
            )

    def test_raw_entry__second_birth__refused(self, cast: Cast) -> None:
        with refused_by("ledger_chain"):
            forge_entry(eligible(cast).pk, event="contract.attack.born", to_status="DRAFT")

    def test_raw_entry__move_of_nobody_we_know__refused(self, cast: Cast) -> None:
        with refused_by("ledger_chain"):
            forge_entry(eligible(cast).pk, event="visitor.attack.moved", to_status="DRAFT")
