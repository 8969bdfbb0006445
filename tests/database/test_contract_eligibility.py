"""MAY_NOT and CONTRACT-007: only MAY makes a contract ELIGIBLE; confidence has bounds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from governance.authorities.contract import operations
from governance.domain.errors import InvalidJsonError, InvalidVerdictError, MayNotVerdictError
from governance.domain.lifecycles import CONTRACT_TERMINAL_STATES
from governance.domain.values import ContractStatus
from governance.flows.propose_contract import propose_contract
from tests.support.attacks import update_row, violates_constraint
from tests.support.clock import now
from tests.support.contracts import (
    ELIGIBLE_AND_LATER,
    checks_alone,
    contract_anywhere,
    contract_columns_for,
    insert_copy,
    refused,
    taken_back,
)
from tests.support.factories import (
    MAY,
    MAY_NOT,
    VALIDATOR_VERDICT,
    draft,
    eligible,
    proposal_document,
    reloaded,
)
from tests.support.forgery import CONTRACT
from tests.support.users import Users

NO_VERDICTS_OF_MAY: list[Any] = [
    MAY_NOT,
    {},
    [],
    "MAY",
    {"decision": ["MAY"]},
    MAY | {"decision": "may"},
]
NOT_MAY = [None, "MAY_NOT", "may", "MAYBE"]
NEEDED_OF_ELIGIBILITY = [
    "content_digest",
    "validator_verdict",
    "eligibility_verdict",
    "confidence_score",
]
IMPOSSIBLE_SCORES = ["NaN", "Infinity", "-Infinity", -0.001, 1.001]


class TestMayNot:
    @pytest.mark.parametrize("decision", NOT_MAY)
    def test_raw_insert__born_eligible_without_may__refused(
        self, users: Users, decision: str | None
    ) -> None:
        contract = eligible(users)
        with violates_constraint("contract_eligible_means_may"):
            insert_copy(contract, eligibility_decision=decision)

    @pytest.mark.parametrize("verdict", NO_VERDICTS_OF_MAY)
    def test_raw_insert__born_eligible_by_a_verdict_of_may_not__refused(
        self, users: Users, verdict: Any
    ) -> None:
        contract = eligible(users)
        with violates_constraint("contract_eligible_verdict_says_may"):
            insert_copy(contract, eligibility_verdict=verdict)

    @pytest.mark.parametrize("verdict", NO_VERDICTS_OF_MAY)
    def test_raw_update__to_eligible_by_a_verdict_of_may_not__refused(
        self, users: Users, verdict: Any
    ) -> None:
        contract = contract_anywhere(users, ContractStatus.VALIDATED)
        columns = contract_columns_for(contract, ContractStatus.ELIGIBLE, users)
        columns["eligibility_verdict"] = json.dumps(verdict)
        with violates_constraint("contract_eligible_verdict_says_may"):
            update_row(CONTRACT, contract.pk, **columns)

    @pytest.mark.parametrize("decision", NOT_MAY)
    def test_raw_update__to_eligible_without_may__refused(
        self, users: Users, decision: str | None
    ) -> None:
        contract = contract_anywhere(users, ContractStatus.VALIDATED)
        columns = contract_columns_for(contract, ContractStatus.ELIGIBLE, users)
        with violates_constraint("contract_eligible_means_may"):
            update_row(CONTRACT, contract.pk, **(columns | {"eligibility_decision": decision}))

    @pytest.mark.parametrize("status", ELIGIBLE_AND_LATER)
    @pytest.mark.parametrize("decision", NOT_MAY)
    def test_raw_update__later_state_without_may_and_without_triggers__refused(
        self, users: Users, status: ContractStatus, decision: str | None
    ) -> None:
        contract = contract_anywhere(users, status)
        with checks_alone(), violates_constraint("contract_eligible_means_may"):
            update_row(CONTRACT, contract.pk, eligibility_decision=decision)

    @pytest.mark.parametrize("status", [ContractStatus.DRAFT, ContractStatus.VALIDATED])
    def test_raw_update__undecided_before_eligible__passes(
        self, users: Users, status: ContractStatus
    ) -> None:
        contract = contract_anywhere(users, status)
        with taken_back():
            update_row(CONTRACT, contract.pk, eligibility_decision=None)

    @pytest.mark.parametrize("column", NEEDED_OF_ELIGIBILITY)
    def test_raw_update__to_eligible_without_what_is_signed__refused(
        self, users: Users, column: str
    ) -> None:
        contract = contract_anywhere(users, ContractStatus.VALIDATED)
        columns = contract_columns_for(contract, ContractStatus.ELIGIBLE, users) | {column: None}
        with violates_constraint("contract_eligible_has_content"):
            update_row(CONTRACT, contract.pk, **columns)

    def test_propose__may_not__refused(self, users: Users) -> None:
        with refused(MayNotVerdictError, "may_not"):
            eligible(users, eligibility_verdict=MAY_NOT)

    def test_propose__may_not__says_which_rule(self, users: Users) -> None:
        with pytest.raises(MayNotVerdictError) as caught:
            eligible(users, eligibility_verdict=MAY_NOT)
        assert caught.value.details == {"first_failing_rule": "E-001"}

    def test_record_verdicts__may_not__rejects_for_good(self, users: Users) -> None:
        contract = draft(users)
        operations.record_review_verdicts(
            contract_id=contract.pk,
            validator_verdict=VALIDATOR_VERDICT,
            eligibility_verdict=MAY_NOT,
            actor=users.operator,
        )
        contract = reloaded(contract)
        assert contract.status == ContractStatus.REJECTED
        assert contract.eligibility_decision == "MAY_NOT"
        assert contract.eligibility_verdict == MAY_NOT
        assert contract.closed_reason == MAY_NOT["reason"]
        assert contract.closed_by == users.operator

    @pytest.mark.parametrize(
        "verdict",
        [MAY | {"decision": "PERHAPS"}, MAY | {"first_failing_rule": "E-001"}, {}, None, "MAY"],
    )
    def test_propose__eligibility_verdict_that_is_none__refused(
        self, users: Users, verdict: Any
    ) -> None:
        with refused(InvalidVerdictError, "invalid_verdict"):
            propose_contract(
                document=proposal_document(),
                validator_verdict=VALIDATOR_VERDICT,
                eligibility_verdict=verdict,
                proposer=users.operator,
            )


class TestCONTRACT007Confidence:
    @pytest.mark.parametrize("score", IMPOSSIBLE_SCORES)
    @pytest.mark.parametrize("status", [ContractStatus.DRAFT, ContractStatus.VALIDATED])
    def test_raw_update__score_out_of_bounds__refused(
        self, users: Users, status: ContractStatus, score: str | float
    ) -> None:
        contract = contract_anywhere(users, status)
        with violates_constraint("contract_confidence_in_bounds"):
            update_row(CONTRACT, contract.pk, confidence_score=score)

    @pytest.mark.parametrize("score", IMPOSSIBLE_SCORES)
    def test_raw_insert__score_out_of_bounds__refused(
        self, users: Users, score: str | float
    ) -> None:
        contract = eligible(users)
        with violates_constraint("contract_confidence_in_bounds"):
            insert_copy(contract, confidence_score=score)

    @pytest.mark.parametrize("score", [0, 0.0, 1, 1.0])
    def test_raw_update__score_at_the_bounds__passes(self, users: Users, score: float) -> None:
        contract = draft(users)
        with taken_back():
            update_row(CONTRACT, contract.pk, confidence_score=score)

    @pytest.mark.parametrize("score", [-0.001, 1.001, 2, True, "0.9", None])
    def test_propose__score_out_of_bounds_or_none__refused(self, users: Users, score: Any) -> None:
        with refused(InvalidVerdictError, "invalid_verdict"):
            eligible(users, validator_verdict=VALIDATOR_VERDICT | {"confidence_score": score})

    @pytest.mark.parametrize("score", [float("nan"), float("inf"), float("-inf")])
    def test_propose__score_that_is_no_number__refused(self, users: Users, score: float) -> None:
        with refused(InvalidJsonError, "invalid_json"):
            eligible(users, validator_verdict=VALIDATOR_VERDICT | {"confidence_score": score})

    @pytest.mark.parametrize("score", [0, 1, 0.5])
    def test_propose__score_in_bounds__kept_as_it_came(self, users: Users, score: float) -> None:
        verdict = VALIDATOR_VERDICT | {"confidence_score": score}
        assert reloaded(eligible(users, validator_verdict=verdict)).confidence_score == score


class TestContractEnds:
    @pytest.mark.parametrize("status", sorted(CONTRACT_TERMINAL_STATES))
    def test_raw_update__end_without_its_time__refused(
        self, users: Users, status: ContractStatus
    ) -> None:
        contract = contract_anywhere(users, status)
        with checks_alone(), violates_constraint("contract_closed_means_terminal"):
            update_row(CONTRACT, contract.pk, closed_at=None)

    def test_raw_update__time_of_an_end_that_is_none__refused(self, users: Users) -> None:
        contract = eligible(users)
        with violates_constraint("contract_closed_means_terminal"):
            update_row(CONTRACT, contract.pk, closed_at=now())

    @pytest.mark.parametrize("column", ["risk_level", "source"])
    def test_raw_insert__word_outside_its_set__refused(self, users: Users, column: str) -> None:
        contract = draft(users)
        with violates_constraint(f"contract_{column}_known"):
            insert_copy(contract, **{column: "whatever"})
