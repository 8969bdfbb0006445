"""RISK: nobody lowers the risk of a contract, and an ELIGIBLE one has at least the derived risk."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from governance.authorities.contract.operations import record_review_verdicts
from governance.domain.risk import risk_reasons
from governance.domain.values import ContractStatus, RiskLevel
from governance.record.ledger.verification import verify_ledger
from tests.support.attacks import update_row, violated_constraint, violates_constraint
from tests.support.contracts import contract_anywhere, contract_columns_for, insert_copy
from tests.support.factories import (
    MAY,
    MAY_NOT,
    VALIDATOR_VERDICT,
    draft,
    eligible,
    reloaded,
    signed,
)
from tests.support.forgery import CONTRACT
from tests.support.tampering import tamper
from tests.support.users import Users

DISABLE = {"type": "capability_disable", "capability_name": "Search", "reason": "Too slow."}
TUNE = {"type": "parameter_change", "scope": "Search", "parameters": {"a": 1}}
GRAVE: dict[str, dict[str, Any]] = {
    "severity": {"validator_verdict": VALIDATOR_VERDICT | {"severity": "critical"}},
    "asked": {"risk_asked": "high"},
    "system": {"affected_capabilities": ["Search", "SYSTEM"]},
    "disable": {"proposed_changes": [TUNE, DISABLE]},
    "11 changes": {"proposed_changes": [TUNE] * 11},
}


def verdicts_on(users: Users, contract: Any, *, severity: str, decision: Any = MAY) -> Any:
    return record_review_verdicts(
        contract_id=contract.pk,
        validator_verdict=VALIDATOR_VERDICT | {"severity": severity},
        eligibility_verdict=decision,
        actor=users.operator,
    )


class TestRiskInPython:
    def test_proposal__that_disables__is_high_whatever_was_asked(self, users: Users) -> None:
        contract = reloaded(eligible(users, risk_level="low", proposed_changes=[DISABLE]))
        assert (contract.risk_level, contract.risk_asked) == ("high", "low")
        record = contract.content_record()
        assert (record["risk_level"], record["risk_asked"]) == ("high", "low")
        assert contract.proposal_record()["risk_level"] == "low"  # as it arrived

    @pytest.mark.parametrize("severity", ["critical", "low"])
    def test_proposal__with_its_verdicts__has_at_least_the_severity(
        self, users: Users, severity: str
    ) -> None:
        verdict = VALIDATOR_VERDICT | {"severity": severity}
        contract = reloaded(eligible(users, risk_level="medium", validator_verdict=verdict))
        assert contract.risk_level == ("critical" if severity == "critical" else "medium")
        assert [one.finding for one in verify_ledger()] == [None]

    def test_proposal__whose_risk_is_the_one_asked_for__has_the_record_of_before(
        self, users: Users
    ) -> None:
        contract = reloaded(eligible(users, risk_level="low"))
        assert (contract.risk_level, contract.risk_asked) == ("low", None)
        assert "risk_asked" not in contract.content_record()

    @pytest.mark.parametrize(
        ("changes", "severity", "before", "after", "asked"),
        [
            ([TUNE], "high", "low", "high", "low"),
            ([TUNE], "low", "low", "low", None),
            ([DISABLE], "critical", "high", "critical", "low"),
            ([DISABLE], "low", "high", "high", "low"),
        ],
    )
    @pytest.mark.parametrize("decision", [MAY, MAY_NOT], ids=["MAY", "MAY_NOT"])
    def test_draft__when_its_verdicts_arrive__is_derived_again(
        self,
        users: Users,
        commit_now: Any,
        changes: list[Any],
        severity: str,
        before: str,
        after: str,
        asked: str | None,
        decision: Any,
    ) -> None:
        contract = draft(users, risk_level="low", proposed_changes=changes)
        assert reloaded(contract).risk_level == before
        assert [one.finding for one in verify_ledger()] == [None]
        verdicts_on(users, contract, severity=severity, decision=decision)
        commit_now()
        contract = reloaded(contract)
        assert (contract.risk_level, contract.risk_asked) == (after, asked)
        assert [one.finding for one in verify_ledger()] == [None]

    def test_high_risk__needs_the_founders_of_its_risk(self, users: Users, settings: Any) -> None:
        settings.GOVSITE = settings.GOVSITE | {"APPROVALS_REQUIRED": {"high": 2}}
        contract = eligible(users, risk_level="low", proposed_changes=[DISABLE])
        assert signed(users, contract).status == ContractStatus.ELIGIBLE
        assert contract.signatures.get().quorum == 2

    @pytest.mark.parametrize(
        ("column", "value"), [("risk_level", "low"), ("risk_asked", "high"), ("risk_asked", None)]
    )
    @pytest.mark.parametrize("make", [draft, eligible])
    def test_raised_risk__altered_by_the_owner__is_found(
        self, users: Users, make: Any, column: str, value: str | None
    ) -> None:
        contract = make(users, risk_level="low", proposed_changes=[DISABLE])
        new = "NULL" if value is None else f"'{value}'"
        tamper(f"UPDATE {CONTRACT} SET {column} = {new} WHERE id = '{contract.pk}'")
        assert [bool(one.finding) for one in verify_ledger()] == [True]


class TestRiskInPostgres:
    @pytest.mark.parametrize("columns", GRAVE.values(), ids=list(GRAVE))
    def test_raw_insert__eligible_below_its_risk__refused(
        self, users: Users, columns: dict[str, Any]
    ) -> None:
        contract = eligible(users)
        with violates_constraint("contract_risk_derived"):
            insert_copy(contract, **columns, risk_level="medium")

    @pytest.mark.parametrize("columns", GRAVE.values(), ids=list(GRAVE))
    def test_raw_update__to_eligible_below_its_risk__refused(
        self, users: Users, columns: dict[str, Any]
    ) -> None:
        contract = contract_anywhere(users, ContractStatus.VALIDATED)
        needed = contract_columns_for(contract, ContractStatus.ELIGIBLE, users)
        as_sql = {
            name: json.dumps(value) if name in ("validator_verdict", "proposed_changes") else value
            for name, value in columns.items()
        }
        with violates_constraint("contract_risk_derived"):
            update_row(CONTRACT, contract.pk, **(needed | as_sql | {"status": "ELIGIBLE"}))

    @pytest.mark.parametrize("status", [ContractStatus.DRAFT, ContractStatus.VALIDATED])
    def test_raw_update__to_a_lower_risk__refused(
        self, users: Users, status: ContractStatus
    ) -> None:
        contract = contract_anywhere(users, status)
        with violates_constraint("contract_risk_derived"):
            update_row(CONTRACT, contract.pk, risk_level="low")

    def test_raw_insert__of_an_unknown_risk_asked__refused(self, users: Users) -> None:
        contract = eligible(users)
        with violates_constraint("contract_risk_asked_known"):
            insert_copy(contract, risk_asked="none")

    @pytest.mark.parametrize("severity", RiskLevel)
    @pytest.mark.parametrize("asked", [None, *RiskLevel])
    def test_rule__is_the_same_in_python_and_in_postgres(
        self, users: Users, severity: str, asked: str | None
    ) -> None:
        original = eligible(users, risk_level="low")
        for changes in ([TUNE], [DISABLE], [TUNE] * 10, [TUNE] * 11):
            for capabilities in (["Search"], ["SYSTEM"]):
                for risk in RiskLevel:
                    columns = {
                        "validator_verdict": VALIDATOR_VERDICT | {"severity": severity},
                        "risk_asked": asked,
                        "risk_level": str(risk),
                        "proposed_changes": changes,
                        "affected_capabilities": capabilities,
                    }
                    contract = type(original)(**columns)
                    highest = risk_reasons(contract)[0].level
                    order = list(RiskLevel)
                    is_taken = order.index(risk) <= order.index(highest)
                    expected = None if is_taken else "contract_risk_derived"
                    assert refusal_of_insert(original, columns) == expected, columns


def refusal_of_insert(original: Any, columns: dict[str, Any]) -> str | None:
    """Insert a copy and roll it back; return the database guard that refuses it, or None."""
    try:
        with transaction.atomic():
            insert_copy(original, **columns)
            transaction.set_rollback(True)
    except DatabaseError as error:
        return violated_constraint(error)
    return None
