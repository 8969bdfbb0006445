"""What the application's own role could once have slipped past the laws, each attempt refused."""

from __future__ import annotations

import pytest

from governance.models import GovernanceSignal
from governance.vocabulary.errors import FourEyesError
from governance.vocabulary.values import ActivationWindow, HealthDecision
from tests.support.attacks import check_deferred_laws, refused_by, run_sql, update_row
from tests.support.cast import Cast
from tests.support.forgery import CONTRACT, forge_entry
from tests.support.platform import signal
from tests.support.signing import sign
from tests.support.stories import approved, eligible, now, pending_job

SIGNAL = "governance_governancesignal"


def test_approval__by_the_proposer__refused_in_python_and_by_raw_sql(cast: Cast) -> None:
    contract = eligible(cast)
    at = now()
    window = ActivationWindow(at, contract.expires_at)
    with pytest.raises(FourEyesError):
        sign(contract, founder=cast.operator, window=window, at=at)
    with refused_by("contract_four_eyes"):
        update_row(
            CONTRACT,
            contract.pk,
            status="APPROVED",
            approved_by_id=cast.operator.pk,
            approved_at=at,
            approved_digest=contract.content_digest,
            window_opens_at=at,
            window_closes_at=contract.expires_at,
        )


def test_approval__of_other_content_than_what_is_there__refused(cast: Cast) -> None:
    contract = eligible(cast)
    with refused_by("contract_approves_its_content"):
        update_row(CONTRACT, contract.pk, approved_digest="0" * 64)


@pytest.mark.parametrize("column", ["closed_reason", "closed_by_id", "closed_at"])
def test_end__told_before_it_came__refused(cast: Cast, column: str) -> None:
    contract = approved(cast)
    value = {"closed_reason": "Done.", "closed_by_id": cast.founder.pk, "closed_at": now()}[column]
    with refused_by("contract_closed_means_terminal"):
        update_row(CONTRACT, contract.pk, **{column: value})


def test_signal__silenced_without_a_successor__refused(cast: Cast) -> None:
    signal(cast, HealthDecision.BLOCKED)
    with refused_by("signal_history_kept", at_commit=True):
        run_sql(f"UPDATE {SIGNAL} SET superseded_at = now()")


def test_signal__superseded_by_a_later_one__passes(cast: Cast) -> None:
    signal(cast, HealthDecision.BLOCKED)
    signal(cast, HealthDecision.HEALTHY)
    check_deferred_laws()
    assert GovernanceSignal.objects.filter(superseded_at=None).count() == 1


def test_ledger__event_of_a_move_told_without_one__refused(cast: Cast) -> None:
    contract = eligible(cast)
    with refused_by("ledger_chain"):
        forge_entry(contract.pk, event="contract.review.approved")


def test_ledger__standstill_told_as_a_move__refused(cast: Cast) -> None:
    job = pending_job(cast)
    with refused_by("ledger_chain"):
        forge_entry(
            job.contract_id,
            event="job.step.completed",
            from_status="PENDING",
            to_status="RUNNING",
        )
