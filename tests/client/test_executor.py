"""The executor's loop, against a running site."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

import httpx
import pytest

from governance.client import (
    ChangeFreezeActive,
    Executor,
    GovsiteClient,
    GovsiteProblem,
    NoAnswer,
    RetryPolicy,
    Step,
    StepOutcome,
    StepRefused,
)
from governance.client import executor as executor_module
from governance.client.responses import StartedJob
from governance.domain.values import HealthDecision, JobStatus
from governance.models import GovernanceJob
from tests.client.conftest import Site
from tests.support.factories import Running, now, pending_job, reloaded, running_job
from tests.support.freezes import frozen
from tests.support.platform import signal
from tests.support.proxies import cutting_proxy

BLOCKED = HealthDecision.BLOCKED


class RecordingHandler:
    """A handler that records each step and calls `does` at the step with index `at`."""

    def __init__(
        self, at: int | None = None, does: Callable[[Step], Any] = lambda step: None
    ) -> None:
        self.step_types = ["capability_enable", "configuration_update", "parameter_change"]
        self.at, self.does = at, does
        self.steps: list[Step] = []

    def run_step(self, step: Step) -> StepOutcome:
        self.steps.append(step)
        if step.step_index == self.at:
            self.does(step)
        return StepOutcome(did={"step": step.step_index}, rollback_action=step.rollback_action)


def executor(site: Site, handler: RecordingHandler, **options: Any) -> Executor:
    client = options.pop("client", None) or site.client_for(site.users.executor)
    return Executor(client, handler, **options)


def as_started(client: GovsiteClient, running: Running) -> StartedJob:
    """Return a running job as the response to its start would."""
    return cast(StartedJob, client.job(running.job.pk) | {"execution_token": running.token})


def results_of(job: GovernanceJob) -> list[str]:
    return [str(result.status) for result in job.results.order_by("step_index")]


def test_executor__jobs_wait__runs_each_to_its_end(site: Site) -> None:
    jobs = [pending_job(site.users) for _ in range(2)]
    handler = RecordingHandler()
    ended = list(executor(site, handler).run(until_idle=True))
    assert [job.job_id for job in ended] == [str(job.pk) for job in jobs]
    for outcome, job in zip(ended, map(reloaded, jobs), strict=True):
        assert (outcome.status, outcome.steps_reported, outcome.lost_because) == (
            "COMPLETED",
            3,
            "",
        )
        assert outcome.evidence_sha256 == job.evidence.sha256
        assert (job.status, job.started_by) == (JobStatus.COMPLETED, site.users.executor)
        assert [result.output["did"] for result in job.results.order_by("step_index")] == [
            {"step": index} for index in range(3)
        ]
        steps = [step for step in handler.steps if step.job_id == str(job.pk)]
        assert [step.change for step in steps] == job.contract.proposed_changes
        assert [step.rollback_action for step in steps] == [
            step.rollback_action for step in job.steps.order_by("step_index")
        ]


def test_executor__a_step_fails__stops_there_and_ends_the_job(site: Site) -> None:
    def fail(step: Step) -> None:
        raise StepRefused("The flag is locked.")

    job, handler = pending_job(site.users), RecordingHandler(1, fail)
    [ended] = executor(site, handler).run(until_idle=True)
    assert (ended.status, ended.steps_reported) == ("FAILED", 2)
    assert [step.step_index for step in handler.steps] == [0, 1]
    assert results_of(reloaded(job)) == ["COMPLETED", "FAILED"]
    assert reloaded(job).results.get(step_index=1).error == "The flag is locked."
    assert [step["status"] for step in reloaded(job).evidence.document["steps"]] == [
        "COMPLETED",
        "FAILED",
        "SKIPPED",
    ]


def test_executor__a_plan_with_a_step_that_it_cannot_do__leaves_the_job_to_others(
    site: Site,
) -> None:
    job, handler = pending_job(site.users), RecordingHandler()
    handler.step_types.remove("configuration_update")
    assert list(executor(site, handler).run(until_idle=True)) == []
    assert (reloaded(job).status, handler.steps) == (JobStatus.PENDING, [])


def test_executor__a_plan_that_outlasts_its_window__leaves_the_job_alone(
    site: Site, settings: Any
) -> None:
    settings.GOVSITE = settings.GOVSITE | {"STEP_TIMEOUT_SECONDS": 9 * 60 * 60}
    job, handler = pending_job(site.users), RecordingHandler()
    assert list(executor(site, handler).run(until_idle=True)) == []
    assert (reloaded(job).status, handler.steps) == (JobStatus.PENDING, [])


def test_executor__health_falls_after_a_step__begins_no_further_one(site: Site) -> None:
    job = pending_job(site.users)
    handler = RecordingHandler(0, lambda step: signal(site.users, BLOCKED, "SYSTEM"))
    [ended] = executor(site, handler).run(until_idle=True)
    assert (ended.status, ended.is_fault) == ("FAILED", False)
    assert [step.step_index for step in handler.steps] == [0]
    assert "Health is BLOCKED" in reloaded(job).results.get(step_index=1).error


def test_executor__a_step_outlives_its_timeout__fails_and_the_late_answer_counts_for_nothing(
    site: Site, settings: Any
) -> None:
    settings.GOVSITE = settings.GOVSITE | {"STEP_TIMEOUT_SECONDS": 1}
    job = pending_job(site.users)
    handler = RecordingHandler(1, lambda step: step.timed_out.wait(30))
    [ended] = executor(site, handler).run(until_idle=True)
    assert handler.steps[1].timeout_seconds == 1
    assert handler.steps[1].timed_out.is_set()
    assert (ended.status, results_of(reloaded(job))) == ("FAILED", ["COMPLETED", "FAILED"])
    assert reloaded(job).results.get(step_index=1).error == "Timed out after 1.0 s."


def test_executor__a_report_larger_than_the_site_takes__fails_the_step(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fail the step, as the site's limits may be smaller than those the client checks."""
    monkeypatch.setattr("governance.api.parsers.MAX_DOCUMENT_BYTES", 2000)

    class Talks(RecordingHandler):
        def run_step(self, step: Step) -> StepOutcome:
            return StepOutcome(did="x" * 3000)

    job = pending_job(site.users)
    [ended] = executor(site, Talks()).run(until_idle=True)
    assert (ended.status, results_of(reloaded(job))) == ("FAILED", ["FAILED"])
    assert "document_too_large" in reloaded(job).results.get().error


# --- leases and lost jobs ---
def test_executor__the_lease_is_over__begins_no_step(site: Site) -> None:
    running = running_job(site.users, at=now() - timedelta(minutes=10))
    client, handler = site.client_for(site.users.executor), RecordingHandler()
    ended = executor(site, handler, client=client).run_job(as_started(client, running))
    assert (ended.status, handler.steps) == (None, [])
    assert ended.lost_because == "the lease expired before step 0"
    assert results_of(reloaded(running.job)) == []


def test_executor__its_own_clock_is_wrong__goes_by_the_site(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Check that a clock one hour ahead costs no valid lease, and makes no report refused."""

    class Ahead(executor_module.datetime):  # type: ignore[misc, name-defined]
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return super().now(tz) + timedelta(hours=1)

    job = pending_job(site.users)
    for module in ("clock", "executor", "job_reporter"):
        monkeypatch.setattr(f"governance.client.{module}.datetime", Ahead)
    [ended] = executor(site, RecordingHandler()).run(until_idle=True)
    assert (ended.status, reloaded(job).status) == ("COMPLETED", JobStatus.COMPLETED)


def test_executor__the_job_is_cancelled_meanwhile__drops_it_and_goes_on(site: Site) -> None:
    operator = site.client_for(site.users.operator)
    first, second = pending_job(site.users), pending_job(site.users)

    def cancel(step: Step) -> None:
        if step.job_id == str(first.pk):
            operator.cancel(step.job_id, reason="Wrong branch.")

    handler = RecordingHandler(1, cancel)
    lost, ended = executor(site, handler).run(until_idle=True)
    assert (lost.status, lost.steps_reported) == (None, 1)
    assert "(job_immutable)" in lost.lost_because
    assert [step.step_index for step in handler.steps if step.job_id == lost.job_id] == [0, 1]
    assert (ended.job_id, ended.status) == (str(second.pk), "COMPLETED")
    assert reloaded(first).status == JobStatus.CANCELLED


def test_executor__a_token_of_another_run__loses_the_job(site: Site) -> None:
    running = running_job(site.users)
    running.token = "another"
    client, handler = site.client_for(site.users.executor), RecordingHandler()
    ended = executor(site, handler, client=client).run_job(as_started(client, running))
    assert "(stale_execution)" in ended.lost_because
    assert [step.step_index for step in handler.steps] == [0]


def test_executor__the_plan_is_not_whole__begins_no_step(site: Site) -> None:
    running = running_job(site.users)
    client, handler = site.client_for(site.users.executor), RecordingHandler()
    job = as_started(client, running)
    job["total_steps"] += 1
    ended = executor(site, handler, client=client).run_job(job)
    assert (ended.lost_because, handler.steps) == ("the plan that was read is incomplete", [])


def test_executor__a_plan_of_many_pages__is_read_to_its_end(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("governance.client.api.MAX_PAGE_SIZE", 2)
    pending_job(site.users)
    [ended] = executor(site, RecordingHandler()).run(until_idle=True)
    assert (ended.status, ended.steps_reported) == ("COMPLETED", 3)


# --- interrupted responses ---
@pytest.mark.parametrize("what", ["/results/", "/complete/", "/steps/"])
def test_executor__every_second_answer_is_cut__each_step_runs_once(site: Site, what: str) -> None:
    jobs = [pending_job(site.users) for _ in range(4)]
    handler = RecordingHandler()
    with cutting_proxy(site.address, every=2, cuts_what=lambda path: what in path) as proxy:
        client = site.client_for(site.users.executor, url=proxy.address)
        ended = list(executor(site, handler, client=client).run(until_idle=True))
    assert proxy.cuts > 0
    assert [job.status for job in ended] == ["COMPLETED"] * 4
    assert [(step.job_id, step.step_index) for step in handler.steps] == [
        (str(job.pk), index) for job in jobs for index in range(3)
    ]


# --- claiming and stopping ---
def test_executor__asked_to_stop__finishes_its_job_and_claims_no_other(site: Site) -> None:
    job, other = pending_job(site.users), pending_job(site.users)
    stopping = threading.Event()
    handler = RecordingHandler(0, lambda step: stopping.set())
    [ended] = executor(site, handler, stopping=stopping).run()
    assert (ended.job_id, ended.status) == (str(job.pk), "COMPLETED")
    assert reloaded(other).status == JobStatus.PENDING


def test_executor__as_many_as_asked_for__claims_no_other(site: Site) -> None:
    pending_job(site.users), pending_job(site.users)
    assert len(list(executor(site, RecordingHandler()).run(at_most=1))) == 1


def test_executor__no_job_waits__asks_again_until_it_is_stopped(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor_module, "IDLE_SECONDS", 0.01)
    stopping, claims = threading.Event(), []
    client = site.client_for(site.users.executor)
    claim = client.claim

    def counted(**options: Any) -> Any:
        claims.append(options["key"])
        if len(claims) == 3:
            stopping.set()
        return claim(**options)

    monkeypatch.setattr(client, "claim", counted)
    assert list(executor(site, RecordingHandler(), client=client, stopping=stopping).run()) == []
    assert len(set(claims)) == 3  # an answered claim is followed by a new key


def test_executor__changes_are_frozen__waits_and_logs_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor_module, "FREEZE_RETRY_SECONDS", 0.01)
    job = pending_job(site.users)
    frozen(site.users)
    stopping, messages = threading.Event(), []

    def log(text: str) -> None:
        messages.append(text)
        if len(messages) == 2:
            stopping.set()

    assert list(executor(site, RecordingHandler(), stopping=stopping, log=log).run()) == []
    assert all("(change_freeze_active)" in text for text in messages)
    assert reloaded(job).status == JobStatus.PENDING


def test_executor__changes_are_frozen__until_idle_raises(
    site: Site,
) -> None:
    freeze = frozen(site.users)
    with pytest.raises(ChangeFreezeActive) as refusal:
        list(executor(site, RecordingHandler()).run(until_idle=True))
    assert refusal.value.until.startswith(freeze.ends_at.isoformat()[:19])
    assert refusal.value.details["reason"] == freeze.reason


def test_executor__may_not_execute__is_refused_for_good(site: Site) -> None:
    client = site.client_for(site.users.viewer)
    with pytest.raises(GovsiteProblem) as refusal:
        list(executor(site, RecordingHandler(), client=client).run())
    assert refusal.value.status == 403


def test_executor__its_claim_is_not_answered__asks_the_same_until_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Repeat the key, so that the site can return a job whose first response was lost."""
    monkeypatch.setattr(executor_module, "IDLE_SECONDS", 0.0)
    stopping = threading.Event()
    keys: list[str] = []
    script: list[httpx.Response | Exception] = [
        httpx.ReadError("reset"),
        httpx.Response(503, json={"code": "busy"}),
        httpx.Response(500, json={"code": "internal_error"}),
        httpx.Response(204),
        httpx.Response(204),
    ]

    def network(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["Idempotency-Key"])
        step = script.pop(0)
        if not script:
            stopping.set()
        if isinstance(step, Exception):
            raise step
        return step

    client = GovsiteClient(
        "https://gov.example",
        "t0ken",
        transport=httpx.MockTransport(network),
        retry_policy=RetryPolicy(seconds=0),
    )
    assert list(Executor(client, RecordingHandler(), stopping=stopping).run()) == []
    assert len(set(keys[:4])) == 1
    assert keys[4] != keys[3]


def test_executor__no_answer__until_idle_raises() -> None:
    def network(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    client = GovsiteClient(
        "https://gov.example",
        "t0ken",
        transport=httpx.MockTransport(network),
        retry_policy=RetryPolicy(seconds=0),
    )
    with pytest.raises(NoAnswer):
        list(Executor(client, RecordingHandler()).run(until_idle=True))
