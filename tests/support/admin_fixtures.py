"""Objects for each page of the admin, and valid data for each of its forms."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import cached_property
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group

from governance.authorities.health.signals import record_signal
from governance.domain.canonical import digest
from governance.domain.values import AuditVerdict, ContractStatus, HealthDecision
from governance.flows.review_contract import reject_contract
from governance.models import (
    Account,
    ApiToken,
    Capability,
    ChangeFreeze,
    ConfigurationEntry,
    HandlerBreaker,
    Notice,
    SystemContract,
)
from governance.models.fields import new_id
from governance.services.registry.operations import register_capabilities
from tests.support.admin import approval, typed
from tests.support.breakers import opened
from tests.support.factories import (
    apart,
    approved,
    asked,
    contract_in,
    eligible,
    enabling,
    finished_job,
    judged_job,
    now,
    running_job,
)
from tests.support.freezes import HOUR, frozen
from tests.support.rollbacks import failed_contract, rollback_of
from tests.support.tokens import made_token
from tests.support.users import Users
from tests.support.verdicts import judge

PASSWORD = "correct-horse-7"
NEW_PASSWORD = "battery-staple-8"


class AdminFixtures:
    """One object of each kind, made by the real operations when it is first needed."""

    def __init__(self, users: Users) -> None:
        self.users = users
        Account.objects.create_user("clerk", is_staff=True)
        Account.objects.create_superuser("superuser")

    @cached_property
    def contract(self) -> SystemContract:
        """A contract that is ELIGIBLE."""
        return eligible(self.users)

    @cached_property
    def questioned(self) -> SystemContract:
        """A contract with an open question of a founder."""
        return asked(self.users)

    @cached_property
    def signed(self) -> SystemContract:
        """A contract that is APPROVED, with one signature."""
        return approved(self.users)

    @cached_property
    def rejected(self) -> SystemContract:
        """A contract that can be proposed again."""
        return contract_in(self.users, ContractStatus.REJECTED)

    @cached_property
    def half_done(self) -> SystemContract:
        """A FAILED contract whose rollback was rejected and can be proposed again."""
        register_capabilities(documents=[{"name": "Undo"}])
        enable = enabling("Undo")
        second = {"type": "parameter_change", "scope": "Undo", "parameters": {"depth": 3}}
        changes = [*enable["proposed_changes"], second]
        failed = failed_contract(self.users, steps=1, **enable | {"proposed_changes": changes})
        reject_contract(
            contract_id=rollback_of(failed).pk,
            founder=self.users.founder,
            reason="Let us wait a day.",
        )
        return failed

    @cached_property
    def overdue(self) -> list[Any]:
        """A contract and a job that a sweep would end."""
        long_ago = now() - timedelta(days=30)
        return [
            eligible(self.users, at=long_ago),
            running_job(self.users, at=long_ago, **apart()).job,
        ]

    @cached_property
    def job(self) -> Any:
        """A job with sealed evidence and a verdict."""
        return judged_job(self.users)

    @cached_property
    def inconclusive(self) -> Any:
        """A job whose audit is INCONCLUSIVE."""
        job = finished_job(self.users, **apart())
        judge(job, self.users.second_auditor, verdict=AuditVerdict.INCONCLUSIVE)
        return job

    @cached_property
    def running(self) -> Any:
        """A job that runs."""
        return running_job(self.users).job

    @cached_property
    def freeze(self) -> ChangeFreeze:
        return frozen(self.users)

    @cached_property
    def breaker(self) -> HandlerBreaker:
        """A circuit breaker that is open."""
        return opened()

    @cached_property
    def capability(self) -> Capability:
        register_capabilities(documents=[{"name": "Search", "configuration": {"page_size": 20}}])
        return Capability.objects.get(name="Search")

    @cached_property
    def entry(self) -> ConfigurationEntry:
        return ConfigurationEntry.objects.get(scope=self.capability.name, key="page_size")

    @cached_property
    def signal(self) -> Any:
        return record_signal(
            scope="Search",
            signal_type="probe",
            decision=HealthDecision.DEGRADED,
            reason="Slow.",
            actor=self.users.operator,
        )

    @cached_property
    def notice(self) -> Notice:
        """A notice of the operator, whom a founder asked something."""
        return Notice.objects.get(account=self.users.operator, contract=self.questioned)

    @cached_property
    def token(self) -> ApiToken:
        return made_token(self.users.executor)[0]

    @property
    def user(self) -> Account:
        return self.users.outsider

    @property
    def group(self) -> Group:
        return Group.objects.get(name="Viewer")


FormData = Callable[[AdminFixtures], dict[str, Any]]


# --- form data; always valid, so that a refusal is about the person or the page ---
def an_edit(fixtures: AdminFixtures) -> dict[str, Any]:
    return {"name": "Mine", "title": "Mine", "status": "APPROVED", "_save": "Save"}


def a_settlement(fixtures: AdminFixtures) -> dict[str, Any]:
    return {"verdict": "PASS", "reason": "Some words that are long enough."}


def text_in(field: str) -> FormData:
    return lambda fixtures: {field: "Some words that are long enough."}


def an_approval(fixtures: AdminFixtures) -> dict[str, Any]:
    return approval(fixtures.contract)


def an_ending(fixtures: AdminFixtures) -> dict[str, Any]:
    """Return the ids of a contract and a job that are past their time."""
    return {"ids": [str(one.pk) for one in fixtures.overdue]}


def a_notice(fixtures: AdminFixtures) -> dict[str, Any]:
    return {"ids": [str(fixtures.notice.pk)]}


def a_freeze(fixtures: AdminFixtures) -> dict[str, Any]:
    return {"reason": "The sky is falling.", "ends_at": typed(now() + 2 * HOUR)}


def a_token(fixtures: AdminFixtures) -> dict[str, Any]:
    return {
        "username": "newcomer",
        "create": "on",
        "role": "Viewer",
        "days": "30",
        "token_id": str(new_id()),
    }


def an_overlap(fixtures: AdminFixtures) -> dict[str, Any]:
    return {"overlap_hours": "1"}


def two_passwords(fixtures: AdminFixtures) -> dict[str, Any]:
    return {"usable_password": "true", "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}


def another_password(fixtures: AdminFixtures) -> dict[str, Any]:
    Account.objects.filter(is_staff=True).update(password=make_password(PASSWORD))
    return {
        "old_password": PASSWORD,
        "new_password1": NEW_PASSWORD,
        "new_password2": NEW_PASSWORD,
    }


def a_smaller_scope(fixtures: AdminFixtures) -> dict[str, Any]:
    """Return the form of a modified scope that removes the last change, after its preview."""
    contract = fixtures.contract
    last = len(contract.proposed_changes) - 1
    return {
        "do": "modify",
        "removed": str(last + 1),
        "reason": "A preview is enough for now.",
        "seen_digest": contract.content_digest,
        "previewed": digest(contract.proposed_changes[:last]),
    }


def a_newcomer(fixtures: AdminFixtures) -> dict[str, Any]:
    return two_passwords(fixtures) | {"username": "newcomer"}


def an_account(fixtures: AdminFixtures) -> dict[str, Any]:
    return {
        "username": fixtures.user.username,
        "is_active": "on",
        "is_superuser": "on",
        "date_joined_0": "2026-11-01",
        "date_joined_1": "10:00:00",
    }
