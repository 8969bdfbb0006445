"""Raw SQL in the name of a person who may not decide: only the membership of a group counts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission

from governance.domain.roles import Role
from governance.domain.values import AuditVerdict
from governance.models import Account, GovernanceAudit, SystemContract
from governance.services.access.accounts import assign_role
from tests.support.attacks import insert_row, run_sql, update_row, violates_constraint
from tests.support.clock import clock_at, now
from tests.support.contracts import insert_copy, taken_back
from tests.support.factories import approved, contract_in, draft, eligible, finished_job, judged_job
from tests.support.forgery import (
    CONTRACT,
    forge_activation,
    forge_audit,
    forge_resolution,
    forge_signature,
)
from tests.support.freezes import FREEZE, HOUR, LIFT, frozen
from tests.support.users import Users

# Writes a row in the name of the person whose id it gets.
Deed = Callable[[Account], None]


def signing(users: Users) -> Deed:
    contract = eligible(users)
    return lambda person: forge_signature(contract, person)


def asking(users: Users) -> Deed:
    contract = eligible(users, at=now() - HOUR)
    row = {"contract_id": contract.pk, "number": 1, "question": "Why?", "asked_at": now()}
    table = "governance_clarificationrequest"
    return lambda person: insert_row(table, **row, asked_by_id=person.pk)


def rejecting(users: Users) -> Deed:
    return ending(eligible(users), status="REJECTED", closed_reason="Not this quarter.")


def rejecting_a_draft(users: Users) -> Deed:
    return ending(draft(users), status="REJECTED", closed_reason="Not this quarter.")


def withdrawing(users: Users) -> Deed:
    return ending(approved(users), status="FAILED", closed_reason="approval_withdrawn: Called off.")


def ending(contract: SystemContract, **columns: Any) -> Deed:
    at = now()
    return lambda person: update_row(
        CONTRACT, contract.pk, **columns, closed_at=at, closed_by_id=person.pk
    )


def freezing(users: Users) -> Deed:
    row = {"id": uuid4(), "reason": "Stop.", "started_at": now(), "ends_at": now() + HOUR}
    return lambda person: insert_row(FREEZE, **row, started_by_id=person.pk)


def lifting(users: Users) -> Deed:
    freeze = frozen(users, at=now() - HOUR, hours=3)
    row = {"freeze_id": freeze.pk, "reason": "Over.", "lifted_at": now()}
    return lambda person: insert_row(LIFT, **row, lifted_by_id=person.pk)


def judging(users: Users) -> Deed:
    job = finished_job(users)
    return lambda person: forge_audit(job, person)


def resolving(users: Users) -> Deed:
    judged_job(users, AuditVerdict.INCONCLUSIVE)
    audit = GovernanceAudit.objects.get()
    return lambda person: forge_resolution(audit.pk, person)


DEEDS: dict[Callable[[Users], Deed], tuple[Role, str]] = {
    **dict.fromkeys(
        (signing, asking, rejecting, rejecting_a_draft, withdrawing, freezing, lifting),
        (Role.FOUNDER, "founder_decides"),
    ),
    **dict.fromkeys((judging, resolving), (Role.AUDITOR, "auditor_judges")),
}
ROLES = {Role.FOUNDER: "Auditor", Role.AUDITOR: "Founder"}


@pytest.mark.parametrize("prepare", DEEDS, ids=lambda prepare: prepare.__name__)
class TestDeeds:
    def test_sql__by_a_superuser_with_every_permission__refused(
        self, users: Users, prepare: Callable[[Users], Deed]
    ) -> None:
        role, guard = DEEDS[prepare]
        root = Account.objects.create_superuser("root")
        root.user_permissions.set(Permission.objects.all())
        assign_role(root, Role(ROLES[role]))
        deed = prepare(users)
        with violates_constraint(guard):
            deed(root)

    def test_sql__by_an_inactive_member__refused(
        self, users: Users, prepare: Callable[[Users], Deed]
    ) -> None:
        role, guard = DEEDS[prepare]
        gone = Account.objects.create_user("gone", is_active=False)
        assign_role(gone, role)
        deed = prepare(users)
        with violates_constraint(guard):
            deed(gone)

    def test_sql__by_a_member__accepted(
        self, users: Users, prepare: Callable[[Users], Deed]
    ) -> None:
        member = Account.objects.create_user("member")
        assign_role(member, DEEDS[prepare][0])
        deed = prepare(users)
        with taken_back():
            deed(member)


# --- how an approval ends ---
@pytest.mark.parametrize("reason", ["", "window_lapsed", "approval_withdrawn", "Called off."])
def test_approval__failed_inside_its_window_and_not_withdrawn__refused(
    users: Users, reason: str
) -> None:
    deed = ending(approved(users), status="FAILED", closed_reason=reason)
    with violates_constraint("approval_ends_by_time_or_founder"):
        deed(users.founder)


def test_approval__failed_after_its_window__needs_no_founder(users: Users) -> None:
    contract = approved(users)
    with clock_at(now() + timedelta(days=2)), taken_back():
        ending(contract, status="FAILED", closed_reason="window_lapsed")(users.operator)


def test_contract__that_may_not__is_rejected_without_a_founder(users: Users) -> None:
    may_not = {"eligibility_decision": "MAY_NOT", "status": "REJECTED"}
    with taken_back():
        ending(draft(users), **may_not)(users.operator)


# --- who signed ---
def leave(person: Account) -> None:
    run_sql("DELETE FROM governance_account_groups WHERE account_id = %s", person.pk)


def deactivate(person: Account) -> None:
    update_row("governance_account", person.pk, is_active=False)


@pytest.mark.parametrize("gone", [leave, deactivate])
def test_activation__after_a_signer_left__refused(
    users: Users, gone: Callable[[Account], None]
) -> None:
    contract = approved(users)
    gone(users.founder)
    with violates_constraint("signer_not_active"):
        forge_activation(contract, users.operator, steps=[0])


# --- the contract that is repeated ---
@pytest.mark.parametrize("status", ["DRAFT", "ELIGIBLE", "APPROVED", "ACTIVE", "COMPLETED"])
def test_repetition__of_a_contract_that_did_not_end_badly__refused(
    users: Users, status: str
) -> None:
    other, pattern = contract_in(users, status), draft(users)  # type: ignore[arg-type]
    with violates_constraint("contract_repeats"):
        insert_copy(pattern, repeats_id=other.pk)


def test_repetition__of_no_contract_at_all__refused(users: Users) -> None:
    pattern = draft(users)
    with violates_constraint("contract_repeats"):
        insert_copy(pattern, repeats_id=uuid4())


@pytest.mark.parametrize("status", ["FAILED", "REJECTED", "EXPIRED"])
def test_repetition__born_eligible__refused(users: Users, status: str) -> None:
    other, pattern = contract_in(users, status), eligible(users)  # type: ignore[arg-type]
    with violates_constraint("contract_repeats"):
        insert_copy(pattern, repeats_id=other.pk)
    with taken_back():
        insert_copy(draft(users), repeats_id=other.pk)
