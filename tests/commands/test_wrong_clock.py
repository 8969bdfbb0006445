"""Commands of a process whose own clock is wrong: PostgreSQL's clock decides, not that one.

libfaketime (Debian's package `faketime`) sets the clock of a process, and of nothing else.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from governance.domain.values import ActivationWindow, ContractStatus, JobStatus
from governance.models import GovernanceJob, LedgerEntry, SystemContract
from tests.support.clock import as_of
from tests.support.commands import shell, this_database
from tests.support.factories import approved, eligible, now, pending_job, reloaded
from tests.support.users import Users

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
# The daily suite tries one clock, because each test starts a process.
OFFSETS = [
    pytest.param("-2h", id="two hours behind"),
    pytest.param("-5m", id="five minutes behind", marks=pytest.mark.long),
    pytest.param("+30d", id="30 days ahead", marks=pytest.mark.long),
]

pytestmark = pytest.mark.skipif(
    LIBRARY is None and not os.environ.get("CI"), reason="needs Debian's package faketime"
)

Shell = subprocess.CompletedProcess[bytes]


class WrongClock:
    """Commands in a process whose clock has this offset."""

    def __init__(self, offset: str) -> None:
        assert LIBRARY, "install Debian's package faketime"
        self.environment = {
            "LD_PRELOAD": str(LIBRARY),
            "FAKETIME": offset,
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DATABASE_URL": this_database(),
            "DJANGO_SETTINGS_MODULE": "govsite.settings",
        }

    def manage(self, *arguments: object) -> Shell:
        return shell(*arguments, environment=self.environment)


@pytest.fixture(params=OFFSETS)
def wrong(committed: Users, request: pytest.FixtureRequest) -> WrongClock:
    return WrongClock(request.param)


def test_faketime__sets_the_clock_of_the_process(wrong: WrongClock) -> None:
    """The tests below are worth something only if the process has another time."""
    date = shutil.which("date")
    assert date
    printed = subprocess.run(
        [date, "+%s"], env=os.environ | wrong.environment, capture_output=True, check=True
    )
    assert abs(int(printed.stdout) - now().timestamp()) > 200


def test_activation__in_an_open_window__happens_now(committed: Users, wrong: WrongClock) -> None:
    contract = approved(committed)
    ran = wrong.manage("activate_contract", contract.pk, "--as", "operator")
    assert ran.returncode == 0, ran.stderr
    assert _last_entry_is_of_now(contract)


def test_activation__in_a_closed_window__is_refused(committed: Users, wrong: WrongClock) -> None:
    closed = approved_in(committed, opens_in=timedelta(days=-7), hours=24)
    to_come = approved_in(committed, opens_in=timedelta(days=20), hours=160)
    for contract in (closed, to_come):
        ran = wrong.manage("activate_contract", contract.pk, "--as", "operator")
        assert (ran.returncode, b"window_closed" in ran.stderr) == (1, True), ran.stderr
        assert reloaded(contract).status == ContractStatus.APPROVED


def test_cancellation__is_recorded_now(committed: Users, wrong: WrongClock) -> None:
    job = pending_job(committed)
    ran = wrong.manage("cancel_job", job.pk, "--reason", "Not wanted.", "--as", "operator")
    assert ran.returncode == 0, ran.stderr
    assert GovernanceJob.objects.get(pk=job.pk).status == JobStatus.CANCELLED
    assert _last_entry_is_of_now(job.contract)


def test_expiry__ends_what_is_over_and_nothing_else(committed: Users, wrong: WrongClock) -> None:
    over = as_of(now() - timedelta(days=8), eligible, committed)
    fresh = eligible(committed)
    ran = wrong.manage("expire_contracts", "--as", "operator")
    assert ran.returncode == 0, ran.stderr
    assert reloaded(over).status == ContractStatus.EXPIRED
    assert reloaded(fresh).status == ContractStatus.ELIGIBLE
    assert _last_entry_is_of_now(over)


def approved_in(users: Users, *, opens_in: timedelta, hours: int) -> SystemContract:
    at = now() + min(opens_in, timedelta())
    opens_at = now() + opens_in
    return as_of(
        at, approved, users, window=ActivationWindow(opens_at, opens_at + timedelta(hours=hours))
    )


def _last_entry_is_of_now(contract: SystemContract) -> bool:
    last = LedgerEntry.objects.filter(contract=contract).order_by("-seq").first()
    return last is not None and abs(last.at - now()) < timedelta(seconds=60)
