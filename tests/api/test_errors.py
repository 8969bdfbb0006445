"""Domain errors as API responses: status, code, and no change to the record."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from governance.authorities.health.signals import record_signal
from governance.domain.roles import Role
from governance.domain.values import ActivationWindow, AuditVerdict, ContractStatus, HealthDecision
from governance.models import GovernanceJob, HealthFailure, LedgerEntry, SystemContract
from governance.services.access.accounts import assign_role
from tests.api import reference
from tests.api.conftest import ClientFor
from tests.api.support import API, assert_problem, report_body
from tests.support.factories import (
    approved,
    contract_in,
    failed_job,
    finished_job,
    judged_job,
    now,
    pending_job,
    running_job,
)
from tests.support.users import Users


class BrokenProvider:
    """A health provider that always times out."""

    def capture(self, **_: Any) -> Any:
        raise TimeoutError


def activate(client: Any, contract: SystemContract, **body: Any) -> Any:
    return client.post(f"{API}contracts/{contract.pk}/activate/", body)


def untouched(contract: SystemContract) -> bool:
    """Return whether the contract has neither a job nor a ledger entry of one."""
    entries = LedgerEntry.objects.filter(contract=contract, event__startswith="job.")
    return not GovernanceJob.objects.filter(contract=contract).exists() and not entries.exists()


@pytest.mark.parametrize(
    "status", [s for s in ContractStatus if s not in {"VALIDATED", "APPROVED", "ACTIVE"}]
)
def test_activation__of_a_contract_not_approved__409(
    users: Users, client_for: ClientFor, status: ContractStatus
) -> None:
    contract = contract_in(users, status)
    answer = activate(client_for(users.operator), contract)
    assert assert_problem(answer, 409, "contract_not_approved")["details"] == {"status": status}


def test_activation__a_second_time__409(users: Users, client_for: ClientFor) -> None:
    job = pending_job(users)
    assert_problem(activate(client_for(users.operator), job.contract), 409, "contract_not_approved")
    assert GovernanceJob.objects.filter(contract=job.contract).count() == 1


def test_activation__before_the_window__409(users: Users, client_for: ClientFor) -> None:
    later = now() + timedelta(hours=1)
    contract = approved(users, window=ActivationWindow(later, later + timedelta(hours=1)))
    assert_problem(activate(client_for(users.operator), contract), 409, "window_closed")
    assert untouched(contract)


def test_activation__after_the_window__409(users: Users, client_for: ClientFor) -> None:
    contract = approved(users, at=now() - timedelta(hours=30))
    assert_problem(activate(client_for(users.operator), contract), 409, "window_closed")
    assert untouched(contract)


def test_activation__on_blocked_health__409(users: Users, client_for: ClientFor) -> None:
    contract = approved(users)
    record_signal(
        scope="Search",
        signal_type="latency",
        decision=HealthDecision.BLOCKED,
        reason="Too slow.",
        actor=users.operator,
    )
    problem = assert_problem(activate(client_for(users.operator), contract), 409, "health_blocked")
    assert problem["details"] == {"blocking": ["Search"]}
    assert untouched(contract)


def test_activation__when_the_health_is_unknown__409(
    users: Users, client_for: ClientFor, settings: Any
) -> None:
    contract = approved(users)
    settings.GOVSITE = settings.GOVSITE | {
        "HEALTH_PROVIDER": f"{__name__}.{BrokenProvider.__name__}"
    }
    address, key = f"{API}contracts/{contract.pk}/activate/", {"Idempotency-Key": "one"}
    answer = client_for(users.operator).post(address, {}, headers=key)
    problem = assert_problem(answer, 409, "health_unknown")
    assert problem["details"]["troubles"][0]["scope"] is None
    assert HealthFailure.objects.get().reason == problem["details"]["troubles"][0]["reason"]
    assert untouched(contract)


@pytest.mark.parametrize(
    ("method", "address", "code"),
    [
        ("get", "contracts/{}/", "contract_not_found"),
        ("get", "contracts/{}/ledger/", "contract_not_found"),
        ("post", "contracts/{}/activate/", "contract_not_found"),
        ("get", "jobs/{}/", "job_not_found"),
        ("get", "jobs/{}/steps/", "job_not_found"),
        ("get", "jobs/{}/observations/", "job_not_found"),
        ("get", "jobs/{}/progress/", "job_not_found"),
        ("get", "jobs/{}/evidence/", "job_not_found"),
        ("post", "jobs/{}/start/", "job_not_found"),
    ],
)
def test_address__of_nothing__404(
    users: Users, client_for: ClientFor, method: str, address: str, code: str
) -> None:
    client = client_for(users.executor)
    assert_problem(getattr(client, method)(API + address.format(uuid4())), 404, code)


@pytest.mark.parametrize("call", ["results", "complete", "cancel", "verdict"])
def test_call__on_a_job_that_is_not_there__404(
    users: Users, client_for: ClientFor, call: str
) -> None:
    person, body = {
        "results": (users.executor, report_body("x")),
        "complete": (users.executor, {"execution_token": "x"}),
        "cancel": (users.operator, {"reason": "Not now."}),
        "verdict": (
            users.auditor,
            {"verdict": "FAIL", "reason": "No.", "evidence_sha256": "0" * 64},
        ),
    }[call]
    answer = client_for(person).post(f"{API}jobs/{uuid4()}/{call}/", body)
    assert_problem(answer, 404, "job_not_found")


@pytest.mark.parametrize(
    "address", ["contracts/1/", "jobs/not-a-uuid/steps/", "nowhere/", "contracts"]
)
def test_address__that_leads_nowhere__404_as_a_problem(
    users: Users, client_for: ClientFor, address: str
) -> None:
    for client in (client_for(users.viewer), client_for(None)):
        for method in (client.get, client.post):
            assert_problem(method(API + address), 404, "not_found")


def test_report__before_the_start__409(users: Users, client_for: ClientFor) -> None:
    job = pending_job(users)
    answer = client_for(users.executor).post(f"{API}jobs/{job.pk}/results/", report_body("x"))
    assert_problem(answer, 409, "invalid_job_transition")


def test_report__of_a_step_not_due__409(users: Users, client_for: ClientFor) -> None:
    running = running_job(users)
    address = f"{API}jobs/{running.job.pk}/results/"
    answer = client_for(users.executor).post(address, report_body(running.token, 1))
    problem = assert_problem(answer, 409, "step_out_of_order")
    assert problem["details"] == {"step_index": 1, "current_step": 0}
    example = re.search(r"```json\n(.*?)```", reference.INTRODUCTION, re.DOTALL)
    assert example
    assert json.loads(example[1]) == problem


def test_report__that_differs_from_the_one_on_record__409(
    users: Users, client_for: ClientFor
) -> None:
    running = running_job(users)
    executor, address = client_for(users.executor), f"{API}jobs/{running.job.pk}/results/"
    assert executor.post(address, report_body(running.token)).status_code == 201
    answer = executor.post(address, report_body(running.token, output="other"))
    assert_problem(answer, 409, "result_conflict")


@pytest.mark.parametrize("call", ["results", "complete"])
def test_report__under_another_token__409(users: Users, client_for: ClientFor, call: str) -> None:
    running = running_job(users)
    body = report_body("stale") if call == "results" else {"execution_token": "stale"}
    answer = client_for(users.executor).post(f"{API}jobs/{running.job.pk}/{call}/", body)
    assert_problem(answer, 409, "stale_execution")


def test_complete__with_steps_outstanding__409(users: Users, client_for: ClientFor) -> None:
    running = running_job(users)
    running.complete_steps(2)
    answer = client_for(users.executor).post(
        f"{API}jobs/{running.job.pk}/complete/", {"execution_token": running.token}
    )
    assert assert_problem(answer, 409, "steps_outstanding")["details"] == {"current_step": 2}


@pytest.mark.parametrize("make", [finished_job, failed_job])
@pytest.mark.parametrize("call", ["start", "results", "complete", "cancel"])
def test_call__on_a_job_that_has_ended__409(
    users: Users, client_for: ClientFor, call: str, make: Callable[[Users], GovernanceJob]
) -> None:
    job = make(users)
    person, body = {
        "start": (users.executor, {}),
        "results": (users.executor, report_body("x")),
        "complete": (users.executor, {"execution_token": "x"}),
        "cancel": (users.operator, {"reason": "Too late."}),
    }[call]
    answer = client_for(person).post(f"{API}jobs/{job.pk}/{call}/", body)
    assert_problem(answer, 409, "job_immutable")


def test_start__of_a_running_job__409(users: Users, client_for: ClientFor) -> None:
    running = running_job(users)
    answer = client_for(users.executor).post(f"{API}jobs/{running.job.pk}/start/")
    assert_problem(answer, 409, "invalid_job_transition")


@pytest.mark.parametrize("reason", ["", "   "])
def test_cancel__without_a_reason__400(users: Users, client_for: ClientFor, reason: str) -> None:
    job = pending_job(users)
    answer = client_for(users.operator).post(f"{API}jobs/{job.pk}/cancel/", {"reason": reason})
    assert_problem(answer, 400, "reason_required", "reason")


def test_evidence__before_the_end__404(users: Users, client_for: ClientFor) -> None:
    running = running_job(users)
    client = client_for(users.auditor)
    assert_problem(client.get(f"{API}jobs/{running.job.pk}/evidence/"), 404, "evidence_not_sealed")
    body = {"verdict": "FAIL", "reason": "Early.", "evidence_sha256": "0" * 64}
    answer = client.post(f"{API}jobs/{running.job.pk}/verdict/", body)
    assert_problem(answer, 404, "evidence_not_sealed")


def judge(client: Any, job: GovernanceJob, verdict: str = "PASS", digest: str = "") -> Any:
    return client.post(
        f"{API}jobs/{job.pk}/verdict/",
        {
            "verdict": verdict,
            "reason": "As proposed.",
            "evidence_sha256": digest or job.evidence.sha256,
        },
    )


def test_verdict__on_other_evidence__409(users: Users, client_for: ClientFor) -> None:
    answer = judge(client_for(users.auditor), finished_job(users), digest="0" * 64)
    assert_problem(answer, 409, "evidence_mismatch")


def test_verdict__a_second_time__409(users: Users, client_for: ClientFor) -> None:
    job = judged_job(users)
    answer = judge(client_for(users.second_auditor), job, "FAIL")
    assert_problem(answer, 409, "verdict_exists")


@pytest.mark.parametrize("verdict", [AuditVerdict.PASS, AuditVerdict.INCONCLUSIVE])
def test_verdict__other_than_fail_on_a_failed_job__409(
    users: Users, client_for: ClientFor, verdict: AuditVerdict
) -> None:
    answer = judge(client_for(users.auditor), failed_job(users), verdict)
    assert_problem(answer, 409, "verdict_conflict")


def test_verdict__by_someone_who_took_part__403(users: Users, client_for: ClientFor) -> None:
    job = finished_job(users)
    users.executor.is_superuser = True
    users.executor.save()
    assert_problem(judge(client_for(users.executor), job), 403, "not_permitted")
    assign_role(users.executor, Role.AUDITOR)
    answer = judge(client_for(users.executor), job)
    assert_problem(answer, 403, "auditor_not_independent")


def test_error__unexpected__500_without_a_traceback(
    users: Users, client_for: ClientFor, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    contract = approved(users)
    settings.GOVSITE = settings.GOVSITE | {"HEALTH_PROVIDER": "no.such.provider"}
    answer = activate(client_for(users.operator), contract)
    assert_problem(answer, 500, "internal_error")
    assert "no.such" not in answer.content.decode()
    assert "ModuleNotFoundError" in caplog.text
