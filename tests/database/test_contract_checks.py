"""CONTRACT-002, 004, 007 and MAY_NOT: what a contract's row must hold in each status."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from governance.authorities.contract import operations
from governance.db.transactions import write_transaction
from governance.domain.errors import InvalidWindowError, VerdictNotPassError
from governance.domain.values import ActivationWindow, AuditVerdict, ContractStatus
from governance.models import SystemContract
from tests.support.attacks import update_row, violates_constraint
from tests.support.contracts import (
    APPROVED_AND_LATER,
    checks_alone,
    contract_anywhere,
    contract_columns_for,
    force_contract,
    refused,
    taken_back,
)
from tests.support.factories import approved, eligible, finished_job, judged_job, now, reloaded
from tests.support.forgery import CONTRACT, NOON
from tests.support.signing import sign
from tests.support.users import Users

NEEDED_OF_AN_APPROVAL = [
    "approved_by_id",
    "approved_at",
    "approved_digest",
    "window_opens_at",
    "window_closes_at",
]
UNAPPROVED = [status for status in ContractStatus if status not in APPROVED_AND_LATER]
WINDOWS = {
    "ends before it starts": (timedelta(hours=1), timedelta(hours=0)),
    "ends as it starts": (timedelta(hours=1), timedelta(hours=1)),
    "longer than 168 hours": (timedelta(0), timedelta(hours=168, microseconds=1)),
}


class TestCONTRACT002Approval:
    @pytest.mark.parametrize("column", NEEDED_OF_AN_APPROVAL)
    def test_raw_update__approved_without_part_of_its_approval__refused(
        self, users: Users, column: str
    ) -> None:
        contract = eligible(users)
        columns = contract_columns_for(contract, ContractStatus.APPROVED, users) | {column: None}
        with violates_constraint("contract_approved_has_approval"):
            update_row(CONTRACT, contract.pk, **columns)

    @pytest.mark.parametrize("status", APPROVED_AND_LATER)
    def test_raw_update__approval_removed_without_the_triggers__refused(
        self, users: Users, status: ContractStatus
    ) -> None:
        contract = contract_anywhere(users, status)
        with checks_alone():
            for column in NEEDED_OF_AN_APPROVAL:
                with violates_constraint("contract_approved_has_approval"):
                    update_row(CONTRACT, contract.pk, **{column: None})

    @pytest.mark.parametrize("status", UNAPPROVED)
    def test_raw_update__approval_of_what_is_not_approved__refused(
        self, users: Users, status: ContractStatus
    ) -> None:
        contract = contract_anywhere(users, status)
        approval: dict[str, Any] = {
            "approved_by_id": users.founder.pk,
            "approved_at": NOON,
            "window_opens_at": NOON,
        }
        with checks_alone():
            for column, value in approval.items():
                with violates_constraint("contract_approval_only_by_approving"):
                    update_row(CONTRACT, contract.pk, **{column: value})

    @pytest.mark.parametrize(("opens", "closes"), WINDOWS.values(), ids=list(WINDOWS))
    def test_raw_update__window_out_of_bounds__refused(
        self, users: Users, opens: timedelta, closes: timedelta
    ) -> None:
        contract = eligible(users)
        columns = contract_columns_for(contract, ContractStatus.APPROVED, users)
        columns |= {"window_opens_at": now() + opens, "window_closes_at": now() + closes}
        with violates_constraint("contract_window_in_bounds"):
            update_row(CONTRACT, contract.pk, **columns)

    def test_raw_update__window_of_exactly_168_hours__passes(self, users: Users) -> None:
        contract = eligible(users)
        columns = contract_columns_for(contract, ContractStatus.APPROVED, users)
        columns |= {"window_closes_at": now() + timedelta(hours=168)}
        with taken_back():
            update_row(CONTRACT, contract.pk, **columns)

    @pytest.mark.parametrize(("opens", "closes"), WINDOWS.values(), ids=list(WINDOWS))
    def test_approve__window_out_of_bounds__refused(
        self, users: Users, opens: timedelta, closes: timedelta
    ) -> None:
        contract, at = eligible(users), now()
        with refused(InvalidWindowError, "invalid_window"):
            window = ActivationWindow(at + opens, at + closes)
            sign(contract, founder=users.founder, window=window, at=at)

    def test_approved__has_who_when_what_and_window(self, users: Users) -> None:
        at = now()
        window = ActivationWindow(at, at + timedelta(hours=168))
        contract = reloaded(approved(users, at=at, window=window))
        assert contract.approved_by == users.founder
        assert contract.approved_at == at
        assert contract.approved_digest == contract.content_digest
        assert contract.window == window


class TestCONTRACT004Completed:
    @pytest.mark.parametrize("verdict", [v for v in AuditVerdict if v is not AuditVerdict.PASS])
    def test_raw_update__completed_without_pass__refused(
        self, users: Users, verdict: AuditVerdict
    ) -> None:
        contract = finished_job(users).contract
        columns = contract_columns_for(contract, ContractStatus.COMPLETED, users)
        with violates_constraint("contract_completed_has_pass"):
            update_row(CONTRACT, contract.pk, **(columns | {"audit_verdict": str(verdict)}))

    @pytest.mark.parametrize("verdict", [v for v in AuditVerdict if v is not AuditVerdict.PASS])
    def test_complete__on_anything_but_pass__refused(
        self, users: Users, verdict: AuditVerdict
    ) -> None:
        contract = finished_job(users).contract
        with refused(VerdictNotPassError, "verdict_not_pass"), write_transaction():
            operations.complete(
                contract=SystemContract.objects.lock(contract.pk),
                verdict=verdict,
                actor=users.auditor,
                at=now(),
                reason="The evidence shows it.",
                records={"audit_sha256": "a" * 64},
            )

    @pytest.mark.parametrize(
        ("verdict", "status"),
        [
            ("PASS", ContractStatus.APPROVED),
            ("FAIL", ContractStatus.ACTIVE),
            ("INCONCLUSIVE", ContractStatus.ELIGIBLE),
            ("SURE", ContractStatus.ACTIVE),
        ],
    )
    def test_raw_update__verdict_that_does_not_fit_the_state__refused(
        self, users: Users, verdict: str, status: ContractStatus
    ) -> None:
        contract = contract_anywhere(users, status)
        with violates_constraint("contract_verdict_fits_status"):
            update_row(CONTRACT, contract.pk, audit_verdict=verdict)

    def test_raw_update__completed_on_a_verdict_never_recorded__refused_at_commit(
        self, users: Users
    ) -> None:
        contract = finished_job(users).contract
        with violates_constraint("contract_verdict_backed", at_commit=True):
            force_contract(contract, ContractStatus.COMPLETED, users)

    def test_raw_update__failed_on_a_verdict_never_recorded__refused_at_commit(
        self, users: Users
    ) -> None:
        contract = finished_job(users).contract
        with violates_constraint("contract_verdict_backed", at_commit=True):
            force_contract(contract, ContractStatus.FAILED, users, audit_verdict="FAIL")

    def test_raw_update__completed_on_an_inconclusive_verdict__refused_at_commit(
        self, users: Users
    ) -> None:
        contract = judged_job(users, AuditVerdict.INCONCLUSIVE).contract
        with violates_constraint("contract_verdict_backed", at_commit=True):
            force_contract(contract, ContractStatus.COMPLETED, users)
