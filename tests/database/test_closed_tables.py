"""Writes of the application's role that earlier triggers let through; each is now refused."""

from __future__ import annotations

import pytest

from governance.domain.errors import FourEyesError
from governance.domain.values import ActivationWindow, HealthDecision
from governance.models import GovernanceSignal
from tests.support.attacks import check_deferred_triggers, run_sql, update_row, violates_constraint
from tests.support.factories import approved, eligible, now, pending_job
from tests.support.forgery import CONTRACT, forge_entry
from tests.support.platform import signal
from tests.support.signing import sign
from tests.support.users import Users

SIGNAL = "governance_governancesignal"


def test_approval__by_the_proposer__refused_in_python_and_by_raw_sql(users: Users) -> None:
    contract = eligible(users)
    at = now()
    window = ActivationWindow(at, contract.expires_at)
    with pytest.raises(FourEyesError):
        sign(contract, founder=users.operator, window=window, at=at)
    with violates_constraint("contract_four_eyes"):
        update_row(
            CONTRACT,
            contract.pk,
            status="APPROVED",
            approved_by_id=users.operator.pk,
            approved_at=at,
            approved_digest=contract.content_digest,
            window_opens_at=at,
            window_closes_at=contract.expires_at,
        )


def test_approval__of_other_content_than_what_is_there__refused(users: Users) -> None:
    contract = eligible(users)
    with violates_constraint("contract_approves_its_content"):
        update_row(CONTRACT, contract.pk, approved_digest="0" * 64)


@pytest.mark.parametrize("column", ["closed_reason", "closed_by_id", "closed_at"])
def test_end__recorded_before_it_came__refused(users: Users, column: str) -> None:
    contract = approved(users)
    value = {"closed_reason": "Done.", "closed_by_id": users.founder.pk, "closed_at": now()}[column]
    with violates_constraint("contract_closed_means_terminal"):
        update_row(CONTRACT, contract.pk, **{column: value})


def test_signal__silenced_without_a_successor__refused(users: Users) -> None:
    signal(users, HealthDecision.BLOCKED)
    with violates_constraint("signal_history_kept", at_commit=True):
        run_sql(f"UPDATE {SIGNAL} SET superseded_at = now()")


def test_signal__superseded_by_a_later_one__passes(users: Users) -> None:
    signal(users, HealthDecision.BLOCKED)
    signal(users, HealthDecision.HEALTHY)
    check_deferred_triggers()
    assert GovernanceSignal.objects.filter(superseded_at=None).count() == 1


def test_ledger__event_of_a_move_appended_without_one__refused(users: Users) -> None:
    contract = eligible(users)
    with violates_constraint("ledger_chain"):
        forge_entry(contract.pk, event="contract.review.approved")


def test_ledger__unchanged_status_appended_as_a_move__refused(users: Users) -> None:
    job = pending_job(users)
    with violates_constraint("ledger_chain"):
        forge_entry(
            job.contract_id,
            event="job.step.completed",
            from_status="PENDING",
            to_status="RUNNING",
        )
