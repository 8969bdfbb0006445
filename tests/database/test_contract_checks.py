"""CONTRACT-002, 004, 007 and MAY_NOT: what a contract's row must hold to stand where it stands."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from governance.contract import operations
from governance.ledger.story import story
from governance.models import SystemContract
from governance.vocabulary.errors import (
    InvalidWindowError,
    WrongStateError,
)
from governance.vocabulary.values import ActivationWindow, AuditVerdict, ContractStatus
from tests.support.attacks import refused_by, update_row
from tests.support.cast import Cast
from tests.support.contracts import (
    APPROVED_AND_LATER,
    checks_alone,
    columns_for,
    contract_anywhere,
    force_contract,
    refused,
    taken_back,
)
from tests.support.forgery import CONTRACT, NOON
from tests.support.signing import sign
from tests.support.stories import (
    again,
    approved,
    eligible,
    finished_job,
    judged_job,
    now,
)

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
        self, cast: Cast, column: str
    ) -> None:
        contract = eligible(cast)
        columns = columns_for(contract, ContractStatus.APPROVED, cast) | {column: None}
        with refused_by("contract_approved_has_approval"):
            update_row(CONTRACT, contract.pk, **columns)

    @pytest.mark.parametrize("status", APPROVED_AND_LATER)
    def test_raw_update__approval_taken_away_without_the_triggers__refused(
        self, cast: Cast, status: ContractStatus
    ) -> None:
        contract = contract_anywhere(cast, status)
        with checks_alone():
            for column in NEEDED_OF_AN_APPROVAL:
                with refused_by("contract_approved_has_approval"):
                    update_row(CONTRACT, contract.pk, **{column: None})

    @pytest.mark.parametrize("status", UNAPPROVED)
    def test_raw_update__approval_of_what_is_not_approved__refused(
        self, cast: Cast, status: ContractStatus
    ) -> None:
        contract = contract_anywhere(cast, status)
        approval: dict[str, Any] = {
            "approved_by_id": cast.founder.pk,
            "approved_at": NOON,
            "window_opens_at": NOON,
        }
        with checks_alone():
            for column, value in approval.items():
                with refused_by("contract_approval_only_by_approving"):
                    update_row(CONTRACT, contract.pk, **{column: value})

    @pytest.mark.parametrize(("opens", "closes"), WINDOWS.values(), ids=list(WINDOWS))
    def test_raw_update__window_out_of_bounds__refused(
        self, cast: Cast, opens: timedelta, closes: timedelta
    ) -> None:
        contract = eligible(cast)
        columns = columns_for(contract, ContractStatus.APPROVED, cast)
        columns |= {"window_opens_at": NOON + opens, "window_closes_at": NOON + closes}
        with refused_by("contract_window_in_bounds"):
            update_row(CONTRACT, contract.pk, **columns)

    def test_raw_update__window_of_exactly_168_hours__passes(self, cast: Cast) -> None:
        contract = eligible(cast)
        columns = columns_for(contract, ContractStatus.APPROVED, cast)
        columns |= {"window_closes_at": NOON + timedelta(hours=168)}
        with taken_back():
            update_row(CONTRACT, contract.pk, **columns)

    @pytest.mark.parametrize(("opens", "closes"), WINDOWS.values(), ids=list(WINDOWS))
    def test_approve__window_out_of_bounds__refused(
        self, cast: Cast, opens: timedelta, closes: timedelta
    ) -> None:
        contract, at = eligible(cast), now()
        with refused(InvalidWindowError, "invalid_window"):
            window = ActivationWindow(at + opens, at + closes)
            sign(contract, founder=cast.founder, window=window, at=at)

    def test_approved__has_who_when_what_and_window(self, cast: Cast) -> None:
        at = now()
        window = ActivationWindow(at, at + timedelta(hours=168))
        contract = again(approved(cast, at=at, window=window))
        assert contract.approved_by == cast.founder
        assert contract.approved_at == at
        assert contract.approved_digest == contract.content_digest
        assert contract.window == window


class TestCONTRACT004Completed:
    @pytest.mark.parametrize("verdict", [v for v in AuditVerdict if v is not AuditVerdict.PASS])
    def test_raw_update__completed_without_pass__refused(
        self, cast: Cast, verdict: AuditVerdict
    ) -> None:
        contract = finished_job(cast).contract
        columns = columns_for(contract, ContractStatus.COMPLETED, cast)
        with refused_by("contract_completed_has_pass"):
            update_row(CONTRACT, contract.pk, **(columns | {"audit_verdict": str(verdict)}))

    @pytest.mark.parametrize("verdict", [v for v in AuditVerdict if v is not AuditVerdict.PASS])
    def test_complete__on_anything_but_pass__refused(
        self, cast: Cast, verdict: AuditVerdict
    ) -> None:
        contract = finished_job(cast).contract
        with refused(WrongStateError, "verdict_not_pass"), story():
            operations.complete(
                contract=SystemContract.objects.lock(contract.pk),
                verdict=verdict,
                actor=cast.auditor,
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
        self, cast: Cast, verdict: str, status: ContractStatus
    ) -> None:
        contract = contract_anywhere(cast, status)
        with refused_by("contract_verdict_fits_status"):
            update_row(CONTRACT, contract.pk, audit_verdict=verdict)

    def test_raw_update__completed_on_a_verdict_nobody_gave__refused_at_commit(
        self, cast: Cast
    ) -> None:
        contract = finished_job(cast).contract
        with refused_by("contract_verdict_backed", at_commit=True):
            force_contract(contract, ContractStatus.COMPLETED, cast)

    def test_raw_update__failed_on_a_verdict_nobody_gave__refused_at_commit(
        self, cast: Cast
    ) -> None:
        contract = finished_job(cast).contract
        with refused_by("contract_verdict_backed", at_commit=True):
            force_contract(contract, ContractStatus.FAILED, cast, audit_verdict="FAIL")

    def test_raw_update__completed_on_an_inconclusive_verdict__refused_at_commit(
        self, cast: Cast
    ) -> None:
        contract = judged_job(cast, AuditVerdict.INCONCLUSIVE).contract
        with refused_by("contract_verdict_backed", at_commit=True):
            force_contract(contract, ContractStatus.COMPLETED, cast)
