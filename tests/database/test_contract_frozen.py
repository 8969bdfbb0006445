"""CONTRACT-005: what a founder reads and signs does not change, and what ended is never touched."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, models

from governance.ledger.story import story
from governance.models import SystemContract
from governance.vocabulary.errors import (
    ContractImmutableError,
    RecordProtectedError,
    WrongStateError,
)
from governance.vocabulary.lifecycles import (
    CONTRACT_OPEN_CONTENT_STATES,
    CONTRACT_TERMINAL_STATES,
    CONTRACT_VALID_TRANSITIONS,
)
from governance.vocabulary.values import ContractStatus
from tests.support import moves
from tests.support.attacks import check_deferred_laws, refused_by, run_sql, update_row
from tests.support.cast import Cast
from tests.support.contracts import (
    OPEN_STATES,
    columns_for,
    contract_anywhere,
    refused,
    taken_back,
)
from tests.support.forgery import CONTRACT, NOON
from tests.support.moves import BEGINS_AT, Operation
from tests.support.roles import as_owner
from tests.support.stories import again, approved, eligible

# Every column has its place here: a new one without a decision fails the first test below.
ORIGIN = {
    "id",
    "reference",
    "source",
    "requested_by",
    "proposed_by_id",
    "parent_id",
    "proposal_digest",
    "created_at",
}
CONTENT = {
    "title",
    "description",
    "proposed_changes",
    "affected_capabilities",
    "risk_level",
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
}
# What the end of a contract writes; until then nothing reads it.
ENDING = {"status", "audit_verdict", "closed_by_id", "closed_at", "closed_reason"}

# What questions and answers write, as `contract_review_clock` holds it to them, and when, as
# `ledger_tells_update` holds it to the ledger.
CLOCK = {"review_ends_at", "updated_at"}

COLUMNS = {field.column: field for field in SystemContract._meta.concrete_fields}
FROZEN_STATES = [status for status in OPEN_STATES if status not in CONTRACT_OPEN_CONTENT_STATES]
SIGNED_STATES = [ContractStatus.APPROVED, ContractStatus.ACTIVE]
TERMINAL = sorted(CONTRACT_TERMINAL_STATES)


def other_value(contract: SystemContract, column: str, cast: Cast) -> Any:
    """A value that fits the column and is not the one that stands there."""
    words = {
        "source": "ops_alert",
        "risk_level": "critical",
        "eligibility_decision": "MAY_NOT",
        "status": "DRAFT",
        "audit_verdict": "FAIL",
        "id": "00000000-0000-7000-8000-000000000000",
        "parent_id": "00000000-0000-7000-8000-000000000000",
    }
    if column in words:
        return words[column]
    match COLUMNS[column]:
        case models.ForeignKey():
            return cast.outsider.pk
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
        assert set(COLUMNS) == ORIGIN | CONTENT | APPROVAL | ENDING | CLOCK
        assert len(COLUMNS) == sum(map(len, (ORIGIN, CONTENT, APPROVAL, ENDING, CLOCK)))

    @pytest.mark.parametrize("status", OPEN_STATES)
    def test_raw_update__origin_in_any_state__refused(
        self, cast: Cast, status: ContractStatus
    ) -> None:
        contract = contract_anywhere(cast, status)
        for column in ORIGIN:
            with refused_by("contract_origin_frozen"):
                update_row(CONTRACT, contract.pk, **{column: other_value(contract, column, cast)})

    @pytest.mark.parametrize("status", FROZEN_STATES)
    @pytest.mark.parametrize("column", sorted(CONTENT))
    def test_raw_update__content_from_eligible_on__refused(
        self, cast: Cast, status: ContractStatus, column: str
    ) -> None:
        contract = contract_anywhere(cast, status)
        with refused_by("contract_content_frozen"):
            update_row(CONTRACT, contract.pk, **{column: other_value(contract, column, cast)})
        with refused_by("contract_content_frozen"):
            update_row(CONTRACT, contract.pk, **{column: None})

    @pytest.mark.parametrize("status", SIGNED_STATES)
    @pytest.mark.parametrize("column", sorted(APPROVAL))
    def test_raw_update__approval_from_approved_on__refused(
        self, cast: Cast, status: ContractStatus, column: str
    ) -> None:
        contract = contract_anywhere(cast, status)
        with refused_by("contract_approval_frozen"):
            update_row(CONTRACT, contract.pk, **{column: other_value(contract, column, cast)})
        with refused_by("contract_approval_frozen"):
            update_row(CONTRACT, contract.pk, **{column: None})

    @pytest.mark.parametrize("status", sorted(CONTRACT_OPEN_CONTENT_STATES))
    def test_raw_update__content_before_eligible__passes(
        self, cast: Cast, status: ContractStatus
    ) -> None:
        contract = contract_anywhere(cast, status)
        for column in CONTENT:
            with taken_back(), as_owner():
                update_row(CONTRACT, contract.pk, **{column: other_value(contract, column, cast)})

    @pytest.mark.parametrize("before", FROZEN_STATES)
    def test_raw_update__content_smuggled_in_with_a_legal_move__refused(
        self, cast: Cast, before: ContractStatus
    ) -> None:
        contract = contract_anywhere(cast, before)
        for after in CONTRACT_VALID_TRANSITIONS[before]:
            with refused_by("contract_content_frozen"):
                columns = columns_for(contract, after, cast) | {"title": "Something else"}
                update_row(CONTRACT, contract.pk, **columns)

    @pytest.mark.parametrize("before", SIGNED_STATES)
    def test_raw_update__approval_smuggled_in_with_a_legal_move__refused(
        self, cast: Cast, before: ContractStatus
    ) -> None:
        contract = contract_anywhere(cast, before)
        for after in CONTRACT_VALID_TRANSITIONS[before]:
            with refused_by("contract_approval_frozen"):
                columns = columns_for(contract, after, cast)
                columns |= {"approved_by_id": cast.second_founder.pk}
                update_row(CONTRACT, contract.pk, **columns)

    def test_orm__save_of_an_edited_contract__refused_in_the_domains_words(
        self, cast: Cast
    ) -> None:
        contract = again(approved(cast))
        contract.title = "Something else"
        with as_owner(), pytest.raises(RecordProtectedError) as caught, story():
            contract.save(update_fields=["title"])
        assert caught.value.details == {"law": "contract_content_frozen"}


class TestCONTRACT005Terminal:
    @pytest.mark.parametrize("status", TERMINAL)
    def test_raw_update__any_column_of_a_terminal_contract__refused(
        self, cast: Cast, status: ContractStatus
    ) -> None:
        contract = contract_anywhere(cast, status)
        laws = dict.fromkeys(ORIGIN, "contract_origin_frozen")
        laws |= dict.fromkeys(CONTENT, "contract_content_frozen")
        laws |= dict.fromkeys(APPROVAL, "contract_approval_frozen")
        laws |= dict.fromkeys(ENDING, "contract_terminal_immutable")
        for column, law in laws.items():
            with refused_by(law):
                update_row(CONTRACT, contract.pk, **{column: other_value(contract, column, cast)})

    @pytest.mark.parametrize("status", TERMINAL)
    def test_raw_update__that_changes_nothing_of_a_terminal_contract__refused(
        self, cast: Cast, status: ContractStatus
    ) -> None:
        contract = contract_anywhere(cast, status)
        with refused_by("contract_terminal_immutable"):
            update_row(CONTRACT, contract.pk, status=str(status))

    @pytest.mark.parametrize("status", TERMINAL)
    @pytest.mark.parametrize("operation", BEGINS_AT, ids=lambda operation: operation.__name__)
    def test_operation__on_a_terminal_contract__refused(
        self, cast: Cast, operation: Operation, status: ContractStatus
    ) -> None:
        contract = contract_anywhere(cast, status)
        expected = (ContractImmutableError, "contract_immutable")
        if operation is moves.leave_open:
            expected = (WrongStateError, "not_active")
        with refused(*expected):
            operation(contract, cast)

    @pytest.mark.parametrize("status", ContractStatus)
    def test_raw_delete__in_any_state__refused(self, cast: Cast, status: ContractStatus) -> None:
        contract = contract_anywhere(cast, status)
        with refused_by("contract_never_removed"):
            run_sql(f"DELETE FROM {CONTRACT} WHERE id = %s", contract.pk)

    def test_raw_truncate__of_contracts__refused(self, cast: Cast) -> None:
        eligible(cast)
        check_deferred_laws()  # a table with checks outstanding cannot be truncated anyway
        with refused_by("contract_never_removed"):
            run_sql(f"TRUNCATE {CONTRACT} CASCADE")

    def test_raw_truncate__of_what_contracts_hang_on__refused(self, cast: Cast) -> None:
        eligible(cast)
        check_deferred_laws()
        with (
            as_owner(),
            pytest.raises(IntegrityError, match=r"TRUNCATE is refused \("),
        ):
            run_sql("TRUNCATE governance_account CASCADE")

    def test_raw_update__terminal_once_more__leaves_the_row(self, cast: Cast) -> None:
        contract = contract_anywhere(cast, ContractStatus.REJECTED)
        with refused_by("contract_terminal_immutable"):
            run_sql(f"UPDATE {CONTRACT} SET closed_reason = 'Never mind.'")
        assert again(contract).closed_reason == contract.closed_reason
