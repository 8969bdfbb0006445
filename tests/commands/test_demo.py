"""The demo data: contracts in all relevant states, created by the real flows."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from governance.domain.roles import Role
from governance.models import (
    Account,
    AuditEvidence,
    ConfigurationEntry,
    GovernanceJob,
    SystemContract,
)
from governance.record.ledger.verification import verify_ledger
from tests.support.commands import run
from tests.support.factories import now
from tests.support.users import Users


def test_load_demo__empty_database__shows_every_state(db: None, commit_now: object) -> None:
    ran = run("load_demo")
    assert ran.code == 0
    commit_now()  # type: ignore[operator]
    statuses = Counter(SystemContract.objects.values_list("status", flat=True))
    assert statuses == {
        "DRAFT": 1,
        "ELIGIBLE": 5,  # with the rollback of the one that failed
        "APPROVED": 1,
        "ACTIVE": 4,
        "COMPLETED": 1,
        "FAILED": 1,
        "REJECTED": 1,
        "EXPIRED": 1,
    }
    waiting = SystemContract.objects.filter(status="ELIGIBLE")
    assert set(waiting.values_list("risk_level", flat=True)) == {
        "low",
        "medium",
        "high",
        "critical",
    }
    jobs = Counter(GovernanceJob.objects.values_list("status", flat=True))
    assert jobs == {"COMPLETED": 3, "FAILED": 1, "RUNNING": 1, "PENDING": 1}
    half_way = GovernanceJob.objects.get(status="RUNNING")
    assert 0 < half_way.current_step_index < half_way.total_steps
    assert half_way.lease_expires_at
    assert half_way.lease_expires_at > now() + timedelta(minutes=4)
    assert AuditEvidence.objects.count() == 4
    assert SystemContract.objects.filter(audit_verdict="INCONCLUSIVE").count() == 1
    assert all(checked.finding is None for checked in verify_ledger())


def test_load_demo__steps_that_may_take_a_second__loads_all_the_same(
    db: None, settings: Any
) -> None:
    settings.GOVSITE = settings.GOVSITE | {
        "STEP_TIMEOUT_SECONDS": 1,
        "LEASE_GRACE_SECONDS": 0,
    }
    assert run("load_demo").code == 0
    assert GovernanceJob.objects.filter(status="COMPLETED").count() == 3


def test_load_demo__one_proposal__contradicts_what_is_true_now(db: None) -> None:
    run("load_demo")
    conflicts = [
        contract.reference
        for contract in SystemContract.objects.filter(status="ELIGIBLE")
        for change in contract.proposed_changes
        if change["type"] == "configuration_update"
        and ConfigurationEntry.objects.filter(scope=change["scope"], key=change["key"])
        .exclude(value=change["old_value"])
        .exists()
    ]
    assert conflicts == ["RB-209"]


def test_load_demo__its_people__can_log_in_with_what_was_printed(db: None) -> None:
    lines = run("load_demo").out.splitlines()
    passwords = {words[0]: words[1] for words in map(str.split, lines[1:4])}
    assert set(passwords) == {"admin", "operator", "founder"}
    for name, password in passwords.items():
        person = Account.objects.get(username=name)
        assert person.check_password(password)
        assert person.is_staff
        assert person.is_superuser == (name == "admin")
    for name in ("executor", "auditor"):
        assert not Account.objects.get(username=name).has_usable_password()
    assert Account.objects.get(username="founder").has_role(Role.FOUNDER)
    assert set(SystemContract.objects.values_list("proposed_by__username", flat=True)) == {
        "operator",
        "scheduler",
    }


def test_load_demo__users_exist__is_refused(users: Users) -> None:
    ran = run("load_demo")
    assert (ran.code, ran.err.endswith("(not_empty)\n")) == (1, True)
    assert not SystemContract.objects.exists()


def test_load_demo__twice__is_refused(db: None) -> None:
    run("load_demo")
    assert run("load_demo").code == 1
    assert SystemContract.objects.count() == 15
