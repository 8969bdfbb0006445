"""CONTRACT-005: content under review, approvals and terminal contracts are immutable."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, models

from governance.db.transactions import write_transaction
from governance.domain.errors import ContractImmutableError, IntegrityViolationError, NotActiveError
from governance.domain.lifecycles import (
    CONTRACT_OPEN_CONTENT_STATES,
    CONTRACT_TERMINAL_STATES,
    CONTRACT_VALID_TRANSITIONS,
)
from governance.domain.values import ContractStatus
from governance.models import SystemContract
from tests.support import moves
from tests.support.attacks import check_deferred_triggers, run_sql, update_row, violates_constraint
from tests.support.contracts import (
    OPEN_STATES,
    contract_anywhere,
    contract_columns_for,
    refused,
    taken_back,
)
from tests.support.factories import approved, eligible, reloaded
from tests.support.forgery import CONTRACT, NOON
from tests.support.moves import BEGINS_AT, Operation
from tests.support.roles import as_owner
from tests.support.users import Users

# Every column belongs to one group: the first test fails for a new column in none of them.
ORIGIN = {
    "id",
    "reference",
    "source",
    "requested_by",
    "proposed_by_id",
    "parent_id",
    "repeats_id",
    "rolls_back_id",
    "proposal_digest",
    "created_at",
}
CONTENT = {
    "title",
    "description",
    "proposed_changes",
    "affected_capabilities",
    "risk_level",
    "risk_asked",
    "validator_verdict",
    "eligibility_verdict",
    "confidence_score",
    "eligibility_decision",
    "plan",
    "content_digest",
    "expires_at",
}
APPROVAL = {
    "approved_by_id",
    "approved_at",
    "approved_digest",
    "approval_note",
    "window_opens_at",
    "window_closes_at",
    "approval_kind",
    "authorisation_sha256",
}
# Columns that the end of a contract writes; nothing reads them before.
END = {"status", "audit_verdict", "closed_by_id", "closed_at", "closed_reason"}

# Columns that questions and answers write: `contract_review_clock` checks the review time,
# `ledger_covers_update` checks `updated_at` against the ledger.
CLOCK = {"review_ends_at", "updated_at"}

COLUMNS = {field.column: field for field in SystemContract._meta.concrete_fields}
FROZEN_STATES = [status for status in OPEN_STATES if status not in CONTRACT_OPEN_CONTENT_STATES]
SIGNED_STATES = [ContractStatus.APPROVED, ContractStatus.ACTIVE]
TERMINAL = sorted(CONTRACT_TERMINAL_STATES)


def other_value(contract: SystemContract, column: str, users: Users) -> Any:
    """Return a valid value for the column that differs from the stored one."""
    words = {
        "source": "ops_alert",
        "risk_level": "critical",
        "risk_asked": "low",
        "eligibility_decision": "MAY_NOT",
        "status": "DRAFT",
        "audit_verdict": "FAIL",
        "id": "00000000-0000-7000-8000-000000000000",
        "parent_id": "00000000-0000-7000-8000-000000000000",
        "repeats_id": "00000000-0000-7000-8000-000000000000",
        "rolls_back_id": "00000000-0000-7000-8000-000000000000",
        "approval_kind": "pre_authorised",
    }
    if column in words:
        return words[column]
    match COLUMNS[column]:
        case models.ForeignKey():
            return users.outsider.pk
        case models.JSONField():
            return json.dumps([{"type": "something else"}])
        case models.DateTimeField():
            return (getattr(contract, column) or NOON) + timedelta(seconds=1)
        case models.FloatField():
            return 0.123
        case models.CharField() | models.TextField():
            return "something else"
    return ["Another"]


class TestCONTRACT005Frozen:
    def test_columns__every_one__is_frozen_by_a_decision(self) -> None:
        assert set(COLUMNS) == ORIGIN | CONTENT | APPROVAL | END | CLOCK
        assert len(COLUMNS) == sum(map(len, (ORIGIN, CONTENT, APPROVAL, END, CLOCK)))

    @pytest.mark.parametrize("status", OPEN_STATES)
    def test_raw_update__origin_in_any_state__refused(
        self, users: Users, status: ContractStatus
    ) -> None:
        contract = contract_anywhere(users, status)
        for column in ORIGIN:
            with violates_constraint("contract_origin_frozen"):
                update_row(CONTRACT, contract.pk, **{column: other_value(contract, column, users)})

    @pytest.mark.parametrize("status", FROZEN_STATES)
    @pytest.mark.parametrize("column", sorted(CONTENT))
    def test_raw_update__content_from_eligible_on__refused(
        self, users: Users, status: ContractStatus, column: str
    ) -> None:
        contract = contract_anywhere(users, status)
        with violates_constraint("contract_content_frozen"):
            update_row(CONTRACT, contract.pk, **{column: other_value(contract, column, users)})
        if getattr(contract, column) is not None:
            with violates_constraint("contract_content_frozen"):
                update_row(CONTRACT, contract.pk, **{column: None})

    @pytest.mark.parametrize("status", SIGNED_STATES)
    @pytest.mark.parametrize("column", sorted(APPROVAL))
    def test_raw_update__approval_from_approved_on__refused(
        self, users: Users, status: ContractStatus, column: str
    ) -> None:
        contract = contract_anywhere(users, status)
        with violates_constraint("contract_approval_frozen"):
            update_row(CONTRACT, contract.pk, **{column: other_value(contract, column, users)})
        if getattr(contract, column) is not None:
            with violates_constraint("contract_approval_frozen"):
                update_row(CONTRACT, contract.pk, **{column: None})

    @pytest.mark.parametrize("status", sorted(CONTRACT_OPEN_CONTENT_STATES))
    def test_raw_update__content_before_eligible__passes(
        self, users: Users, status: ContractStatus
    ) -> None:
        contract = contract_anywhere(users, status)
        for column in CONTENT:
            with taken_back(), as_owner():
                update_row(CONTRACT, contract.pk, **{column: other_value(contract, column, users)})

    @pytest.mark.parametrize("before", FROZEN_STATES)
    def test_raw_update__content_smuggled_in_with_a_legal_move__refused(
        self, users: Users, before: ContractStatus
    ) -> None:
        contract = contract_anywhere(users, before)
        for after in CONTRACT_VALID_TRANSITIONS[before]:
            with violates_constraint("contract_content_frozen"):
                columns = contract_columns_for(contract, after, users) | {"title": "Something else"}
                update_row(CONTRACT, contract.pk, **columns)

    @pytest.mark.parametrize("before", SIGNED_STATES)
    def test_raw_update__approval_smuggled_in_with_a_legal_move__refused(
        self, users: Users, before: ContractStatus
    ) -> None:
        contract = contract_anywhere(users, before)
        for after in CONTRACT_VALID_TRANSITIONS[before]:
            with violates_constraint("contract_approval_frozen"):
                columns = contract_columns_for(contract, after, users)
                columns |= {"approved_by_id": users.second_founder.pk}
                update_row(CONTRACT, contract.pk, **columns)

    def test_orm__save_of_an_edited_contract__refused_with_the_domains_error(
        self, users: Users
    ) -> None:
        contract = reloaded(approved(users))
        contract.title = "Something else"
        with as_owner(), pytest.raises(IntegrityViolationError) as caught, write_transaction():
            contract.save(update_fields=["title"])
        assert caught.value.details == {"constraint": "contract_content_frozen"}


class TestCONTRACT005Terminal:
    @pytest.mark.parametrize("status", TERMINAL)
    def test_raw_update__any_column_of_a_terminal_contract__refused(
        self, users: Users, status: ContractStatus
    ) -> None:
        contract = contract_anywhere(users, status)
        constraints = dict.fromkeys(ORIGIN, "contract_origin_frozen")
        constraints |= dict.fromkeys(CONTENT, "contract_content_frozen")
        constraints |= dict.fromkeys(APPROVAL, "contract_approval_frozen")
        constraints |= dict.fromkeys(END, "contract_terminal_immutable")
        for column, constraint in constraints.items():
            with violates_constraint(constraint):
                update_row(CONTRACT, contract.pk, **{column: other_value(contract, column, users)})

    @pytest.mark.parametrize("status", TERMINAL)
    def test_raw_update__that_changes_nothing_of_a_terminal_contract__refused(
        self, users: Users, status: ContractStatus
    ) -> None:
        contract = contract_anywhere(users, status)
        with violates_constraint("contract_terminal_immutable"):
            update_row(CONTRACT, contract.pk, status=str(status))

    @pytest.mark.parametrize("status", TERMINAL)
    @pytest.mark.parametrize("operation", BEGINS_AT, ids=lambda operation: operation.__name__)
    def test_operation__on_a_terminal_contract__refused(
        self, users: Users, operation: Operation, status: ContractStatus
    ) -> None:
        contract = contract_anywhere(users, status)
        expected = (ContractImmutableError, "contract_immutable")
        if operation is moves.mark_inconclusive:
            expected = (NotActiveError, "not_active")
        with refused(*expected):
            operation(contract, users)

    @pytest.mark.parametrize("status", ContractStatus)
    def test_raw_delete__in_any_state__refused(self, users: Users, status: ContractStatus) -> None:
        contract = contract_anywhere(users, status)
        with violates_constraint("contract_never_removed"):
            run_sql(f"DELETE FROM {CONTRACT} WHERE id = %s", contract.pk)

    def test_raw_truncate__of_contracts__refused(self, users: Users) -> None:
        eligible(users)
        check_deferred_triggers()  # PostgreSQL truncates no table with pending deferred triggers
        with violates_constraint("contract_never_removed"):
            run_sql(f"TRUNCATE {CONTRACT} CASCADE")

    def test_raw_truncate__of_what_contracts_hang_on__refused(self, users: Users) -> None:
        eligible(users)
        check_deferred_triggers()
        with (
            as_owner(),
            pytest.raises(IntegrityError, match=r"TRUNCATE is refused \("),
        ):
            run_sql("TRUNCATE governance_account CASCADE")

    def test_raw_update__terminal_once_more__leaves_the_row(self, users: Users) -> None:
        contract = contract_anywhere(users, ContractStatus.REJECTED)
        with violates_constraint("contract_terminal_immutable"):
            run_sql(f"UPDATE {CONTRACT} SET closed_reason = 'Never mind.'")
        assert reloaded(contract).closed_reason == contract.closed_reason
