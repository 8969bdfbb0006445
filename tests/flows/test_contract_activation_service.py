"""Tests of `ContractActivationService`: the job it creates, and every guard of an activation."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from time import monotonic
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from governance.domain.canonical import digest
from governance.domain.errors import (
    BusyError,
    ContractActivationError,
    GovernanceError,
    IntegrityViolationError,
    InvalidInputError,
    NotFoundError,
)
from governance.domain.values import ActivationWindow, ContractStatus, HealthDecision
from governance.flows.activate_contract import activate_contract
from governance.models import GovernanceJob, LedgerEntry, SystemContract
from tests.support.attacks import check_deferred_triggers, nothing_written, run_sql, trigger_off
from tests.support.clock import as_of
from tests.support.factories import MAY, approved, contract_in, now, reloaded
from tests.support.forgery import CONTRACT, NOON
from tests.support.platform import FAILING, signal
from tests.support.roles import as_owner
from tests.support.threads import MAX_WAIT_SECONDS, at_once
from tests.support.users import Users

NOT_APPROVED = [
    status
    for status in ContractStatus
    if status not in (ContractStatus.APPROVED, ContractStatus.VALIDATED)
]
TICK = timedelta(microseconds=1)


def activate(
    contract: SystemContract, users: Users, *, at: datetime | None = None, **changes: Any
) -> GovernanceJob:
    return as_of(at, activate_contract, contract_id=contract.pk, actor=users.operator, **changes)


def refusal_of(contract: SystemContract, users: Users, **changes: Any) -> GovernanceError:
    """Return the error that activating `contract` raises; assert that nothing was written."""
    with nothing_written(), pytest.raises(GovernanceError) as refusal, transaction.atomic():
        activate(contract, users, **changes)
    return refusal.value


def tamper(contract: SystemContract, *, sign: bool = False, **columns: Any) -> None:
    """Update an approved contract with its trigger disabled; `sign` recomputes its digests too."""
    if "expires_at" in columns:
        columns["review_ends_at"] = columns["expires_at"]
    with trigger_off(CONTRACT, "contract_content_frozen"):
        SystemContract.objects.filter(pk=contract.pk).update(**columns)
        check_deferred_triggers()  # ALTER TABLE fails while deferred triggers are pending
        if sign:
            signature = digest(reloaded(contract).content_record())
            SystemContract.objects.filter(pk=contract.pk).update(
                approved_digest=signature, content_digest=signature
            )


def drop_check(name: str) -> None:
    """Drop a constraint of the contracts' table for the rest of the test."""
    check_deferred_triggers()
    with as_owner():
        run_sql(f"ALTER TABLE {CONTRACT} DROP CONSTRAINT {name}")


class TestContractActivationService:
    # --- the job it creates ---
    def test_approved_contract__activated__becomes_one_pending_job(self, users: Users) -> None:
        contract, at = approved(users), now()
        job = reloaded(activate(contract, users, at=at, timeout_minutes=90))
        assert (job.status, job.contract_id) == ("PENDING", contract.pk)
        assert (job.total_steps, job.current_step_index, job.timeout_minutes) == (3, 0, 90)
        assert (job.created_at, job.created_by) == (at, users.operator)
        assert reloaded(contract).status == ContractStatus.ACTIVE

    def test_steps__are_the_plan_that_was_approved(self, users: Users) -> None:
        contract = approved(users)
        steps = activate(contract, users).steps.all()
        assert [step.as_record() for step in steps] == contract.plan
        assert [step.change for step in steps] == contract.proposed_changes

    def test_activation__appended_with_the_digests_of_its_records(self, users: Users) -> None:
        job = reloaded(activate(approved(users), users))
        *_, activated, created = LedgerEntry.objects.filter(contract=job.contract_id)
        assert activated.event == "contract.activation.activated"
        assert created.event == "job.activation.created"
        steps = [step.as_record() for step in job.steps.all()]
        assert digest(job.creation_record(steps)) in created.body
        assert digest(job.snapshots.get().as_record()) in created.body

    def test_queries__do_not_grow_with_the_steps(self, users: Users) -> None:
        def queries(steps: int) -> int:
            changes = [
                {"type": "parameter_change", "scope": "Search", "parameters": {"n": index}}
                for index in range(steps)
            ]
            contract = approved(users, proposed_changes=changes)
            with CaptureQueriesContext(
                connection,
            ) as seen:
                assert activate(contract, users).total_steps == steps
            return len(seen)

        assert queries(1) == queries(100)

    # --- the guards ---
    @pytest.mark.parametrize("status", NOT_APPROVED)
    def test_contract__not_approved__refused(self, users: Users, status: ContractStatus) -> None:
        refusal = refusal_of(contract_in(users, status), users)
        assert isinstance(refusal, ContractActivationError)
        assert refusal.code == "contract_not_approved"
        assert refusal.details == {"status": status}

    @pytest.mark.parametrize("offset", [-TICK, timedelta(hours=1) + TICK])
    def test_window__not_open_yet_or_over__refused(self, users: Users, offset: timedelta) -> None:
        opens_at = now() + timedelta(hours=1)
        window = ActivationWindow(opens_at, opens_at + timedelta(hours=1))
        contract = approved(users, window=window)
        assert refusal_of(contract, users, at=opens_at + offset).code == "window_closed"

    @pytest.mark.parametrize("offset", [timedelta(0), timedelta(hours=1)])
    def test_window__its_two_ends__belong_to_it(self, users: Users, offset: timedelta) -> None:
        opens_at = now() + timedelta(hours=1)
        window = ActivationWindow(opens_at, opens_at + timedelta(hours=1))
        assert activate(approved(users, window=window), users, at=opens_at + offset)

    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("title", "Bring search to everybody"),
            ("description", ""),
            ("requested_by", "nobody"),
            ("proposed_changes", []),
            ("affected_capabilities", ["Search", "Billing"]),
            ("risk_level", "low"),
            ("validator_verdict", {}),
            ("eligibility_verdict", MAY | {"reason": "Another reason."}),
            ("confidence_score", 0.99),
            ("plan", []),
            ("proposed_by_id", None),
            ("created_at", NOON),
            ("expires_at", NOON),
        ],
    )
    def test_content__other_than_what_was_signed__refused(
        self, users: Users, column: str, value: Any
    ) -> None:
        contract = approved(users)
        changes: dict[str, Any] = {column: users.outsider.pk if value is None else value}
        tamper(contract, **changes)
        assert refusal_of(contract, users).code == "content_changed"

    def test_confidence__rewritten_to_no_number__refused(self, users: Users) -> None:
        contract = approved(users)
        drop_check("contract_confidence_in_bounds")
        contract.confidence_score = None
        signed_of_none = digest(contract.content_record())
        tamper(
            contract,
            confidence_score=math.nan,
            approved_digest=signed_of_none,
            content_digest=signed_of_none,
        )
        assert refusal_of(contract, users).code == "content_changed"

    def test_signature__of_something_else__refused(self, users: Users) -> None:
        contract = approved(users)
        tamper(contract, approved_digest="0" * 64, content_digest="0" * 64)
        assert refusal_of(contract, users).code == "content_changed"

    def test_target__outside_the_signed_scope__refused(self, users: Users) -> None:
        contract = approved(users)
        tamper(contract, sign=True, affected_capabilities=["Billing"])
        refusal = refusal_of(contract, users)
        assert isinstance(refusal, ContractActivationError)
        assert refusal.code == "target_out_of_scope"

    @pytest.mark.parametrize("kept", [0, 2])
    def test_plan__other_than_the_changes__refused(self, users: Users, kept: int) -> None:
        contract = approved(users)
        tamper(contract, sign=True, plan=contract.plan[:kept])
        assert refusal_of(contract, users).code == "plan_mismatch"

    def test_eligibility__not_may__refused(self, users: Users) -> None:
        contract = approved(users)
        drop_check("contract_eligible_means_may")
        tamper(contract, eligibility_decision="MAY_NOT")
        assert refusal_of(contract, users).code == "may_not"

    @pytest.mark.parametrize("column", ["approved_by_id", "window_opens_at"])
    def test_approval__incomplete__refused(self, users: Users, column: str) -> None:
        contract = approved(users)
        drop_check("contract_approved_has_approval")
        changes: dict[str, Any] = {column: None}
        tamper(contract, **changes)
        assert refusal_of(contract, users).code == "approver_missing"

    @pytest.mark.parametrize("provider", FAILING)
    def test_health__provider_gives_no_reading__unknown(
        self, users: Users, settings: Any, provider: str
    ) -> None:
        contract = approved(users)
        settings.GOVSITE = settings.GOVSITE | {
            "HEALTH_PROVIDER": provider,
            "HEALTH_TIMEOUT_SECONDS": 0.05,
        }
        assert refusal_of(contract, users).code == "health_unknown"

    def test_health__database_does_not_answer_in_time__busy_and_not_unknown(
        self, committed: Users
    ) -> None:
        contract = approved(committed)

        def activate_soon() -> GovernanceJob:
            run_sql("SET lock_timeout = '100ms'")
            return activate(contract, committed)

        with transaction.atomic():
            with as_owner():
                run_sql("LOCK TABLE governance_governancesignal IN ACCESS EXCLUSIVE MODE")
            began = monotonic()
            [refusal] = at_once(lambda wait: activate_soon())
            assert monotonic() - began < MAX_WAIT_SECONDS / 2
        assert isinstance(refusal, BusyError)
        assert reloaded(contract).status == ContractStatus.APPROVED

    @pytest.mark.parametrize("scope", ["Search", "SYSTEM"])
    def test_health__blocked_in_scope__refused(self, users: Users, scope: str) -> None:
        contract = approved(users)
        signal(users, HealthDecision.BLOCKED, scope)
        refusal = refusal_of(contract, users)
        assert refusal.code == "health_blocked"
        assert refusal.details == {"blocking": [scope]}

    def test_health__degraded_or_blocked_elsewhere_or_no_longer__activates(
        self, users: Users
    ) -> None:
        contract = approved(users)
        signal(users, HealthDecision.DEGRADED)
        signal(users, HealthDecision.BLOCKED, "Billing")
        signal(users, HealthDecision.BLOCKED, "SYSTEM")
        signal(users, HealthDecision.HEALTHY, "SYSTEM")
        assert activate(contract, users).status == "PENDING"

    @pytest.mark.parametrize("minutes", [0, -1, 1441, 2**40, 1.5, True, "60", None, [60]])
    def test_timeout__out_of_bounds__refused(self, users: Users, minutes: Any) -> None:
        refusal = refusal_of(approved(users), users, timeout_minutes=minutes)
        assert isinstance(refusal, InvalidInputError)
        assert refusal.errors[0]["path"] == "timeout_minutes"

    @pytest.mark.parametrize("minutes", [1, 1440])
    def test_timeout__at_its_bounds__kept(self, users: Users, minutes: int) -> None:
        job = activate(approved(users), users, timeout_minutes=minutes)
        assert reloaded(job).timeout_minutes == minutes

    # --- atomicity ---
    def test_postgres__refuses_halfway__nothing_stays(self, users: Users) -> None:
        contract = approved(users)
        twice = [step | {"step_index": 0} for step in contract.plan]
        tamper(contract, sign=True, plan=twice)
        refusal = refusal_of(contract, users)
        assert isinstance(refusal, IntegrityViolationError)
        assert refusal.details["constraint"] == "step_index_once"


def test_unknown_contract__activated__not_found(users: Users) -> None:
    with pytest.raises(NotFoundError) as refusal:
        activate_contract(contract_id=uuid4(), actor=users.operator)
    assert refusal.value.code == "contract_not_found"
