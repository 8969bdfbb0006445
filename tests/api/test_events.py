"""`GET jobs/{id}/events/`: content, order, start, permissions and end of the stream."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from governance.api.stream_broker import STREAM_BROKER
from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.models import ApiToken
from governance.services.access import tokens
from tests.api.conftest import ClientFor
from tests.api.support import API, assert_problem, report_body
from tests.support.commands import ROOT
from tests.support.events import Stream, following
from tests.support.factories import failed_job, judged_job, pending_job, running_job
from tests.support.http import served_application
from tests.support.sites import client_of, new_token
from tests.support.users import Users

pytestmark = pytest.mark.usefixtures("streams")


def ledger_of(client: Any, job: Any) -> list[dict[str, Any]]:
    """Return the ledger entries from the job's creation on, as the API lists them."""
    entries = client.get(f"{API}contracts/{job.contract_id}/ledger/").json()["results"]
    names = [entry["event"] for entry in entries]
    return list(entries[names.index("job.activation.created") :])


# --- content and order --------------------------------------------------------------------------
def test_stream__of_a_contract_at_rest__is_the_ledger_from_the_jobs_first_entry_on(
    users: Users, client_for: ClientFor
) -> None:
    job, viewer = judged_job(users), client_for(users.viewer)
    answer = viewer.get(f"{API}jobs/{job.pk}/events/", HTTP_ACCEPT="text/event-stream")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/event-stream"
    assert answer["Cache-Control"] == "no-store"
    assert answer["X-Accel-Buffering"] == "no"
    stream = stream_of(answer)
    events, entries = stream.rest(), ledger_of(viewer, job)
    assert [event.data for event in events] == entries
    assert [event.id for event in events] == [entry["seq"] for entry in entries]
    assert [event.name for event in events] == [entry["event"] for entry in entries]
    assert events[0].name == "job.activation.created"
    assert events[-1].name == "contract.audit.passed"


def stream_of(answer: Any) -> Stream:
    """Return the test client's streaming response, read to its end."""
    body = b"".join(answer.streaming_content)
    assert body.startswith(b"retry: 3000\n\n")
    assert b"\n:" not in body, "it waited at its end"
    return Stream(httpx.Response(200, content=body))


def test_stream__while_another_client_runs_the_job__sends_each_entry_in_order(
    committed: Users,
) -> None:
    job = pending_job(committed)
    with (
        served_application() as address,
        client_of(address, committed.viewer) as viewer,
        client_of(address, committed.executor) as executor,
        client_of(address, committed.auditor) as auditor,
        following(viewer, job.pk) as stream,
    ):
        assert stream.event().name == "job.activation.created"  # type: ignore[union-attr]
        token = executor.post(f"jobs/{job.pk}/start/", json={}).json()["execution_token"]
        assert [event.name for event in stream.events(1)] == ["job.execution.started"]
        for index in range(job.total_steps):
            executor.post(f"jobs/{job.pk}/results/", json=report_body(token, index))
            (sent,) = stream.events(1)
            assert (sent.name, sent.data["step_index"]) == ("job.step.completed", index)
        executor.post(f"jobs/{job.pk}/complete/", json={"execution_token": token})
        (completed,) = stream.events(1)
        assert completed.name == "job.execution.completed"
        evidence = viewer.get(f"jobs/{job.pk}/").json()["evidence_sha256"]
        auditor.post(
            f"jobs/{job.pk}/verdict/",
            json={"verdict": "PASS", "reason": "It did.", "evidence_sha256": evidence},
        )
        assert [event.name for event in stream.rest()] == ["contract.audit.passed"]
        last_id = completed.id + 1
        answer = viewer.get(f"jobs/{job.pk}/events/", headers={"Last-Event-ID": str(last_id)})
        assert (answer.status_code, answer.content) == (204, b"")


def test_stream__of_an_ended_job__waits_for_its_verdict(committed: Users) -> None:
    job = failed_job(committed)
    with (
        served_application() as address,
        client_of(address, committed.viewer) as viewer,
        following(viewer, job.pk) as stream,
    ):
        while stream.events(1)[0].name != "job.execution.failed":
            pass
        stream.beat()
        stream.beat()


def test_subscriber__of_the_docs__prints_all_and_stops_at_the_verdict(
    committed: Users, tmp_path: Path
) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/events.md").read_text(), re.DOTALL)
    (tmp_path / "subscriber.py").write_text(code)
    job = judged_job(committed)
    with served_application() as address, client_of(address, committed.viewer) as viewer:
        arguments = [address, new_token(committed.viewer), str(job.pk)]
        ran = subprocess.run(
            [sys.executable, tmp_path / "subscriber.py", *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        sent = [line.split()[1] for line in ran.stdout.splitlines()]
        entries = viewer.get(f"contracts/{job.contract_id}/ledger/").json()["results"]
    assert sent == [entry["event"] for entry in entries][-len(sent) :]
    assert sent[0] == "job.activation.created"


def test_stream__of_more_entries_than_a_page__sends_all(
    users: Users, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("governance.api.events.PAGE_SIZE", 2)
    job, viewer = judged_job(users), client_for(users.viewer)
    events = stream_of(viewer.get(f"{API}jobs/{job.pk}/events/")).rest()
    assert [event.data for event in events] == ledger_of(viewer, job)


# --- start: Last-Event-ID -----------------------------------------------------------------------
def test_stream__resumed_wherever_it_was_cut__loses_and_repeats_nothing(committed: Users) -> None:
    running = running_job(committed)
    running.complete_steps(1)
    with (
        served_application() as address,
        client_of(address, committed.viewer) as viewer,
    ):
        received = []
        with following(viewer, running.job.pk) as stream:
            received += stream.events(2)
        for index in range(1, running.job.total_steps):
            running.record(running.report(index))
        with following(viewer, running.job.pk, received[-1].id) as stream:
            received += stream.events(1)
        running.complete()
        with following(viewer, running.job.pk, received[-1].id) as stream:
            while received[-1].name != "job.execution.completed":
                received += stream.events(1)
    assert [event.id for event in received] == [*range(received[0].id, received[-1].id + 1)]
    assert [event.name for event in received].count("job.step.completed") == running.job.total_steps


@pytest.mark.parametrize("first", ["0", "1"])
def test_last_event_id__before_the_jobs_first_entry__begins_with_that(
    users: Users, client_for: ClientFor, first: str
) -> None:
    job, viewer = judged_job(users), client_for(users.viewer)
    answer = viewer.get(f"{API}jobs/{job.pk}/events/", HTTP_LAST_EVENT_ID=first)
    assert [event.data for event in stream_of(answer).rest()] == ledger_of(viewer, job)


@pytest.mark.parametrize(
    "given", ["", "-1", "+1", "1.0", "x", "01", "٣", "1 2", "9" * 11, str(2**31), "9" * 4000]
)
def test_last_event_id__that_is_no_id__400(users: Users, client_for: ClientFor, given: str) -> None:
    address = f"{API}jobs/{judged_job(users).pk}/events/"
    answer = client_for(users.viewer).get(address, HTTP_LAST_EVENT_ID=given)
    assert_problem(answer, 400, "invalid_header", "Last-Event-ID")


def test_last_event_id__beyond_the_chain__400_and_not_a_stream_that_leaves_entries_out(
    users: Users, client_for: ClientFor
) -> None:
    job, viewer = judged_job(users), client_for(users.viewer)
    last = ledger_of(viewer, job)[-1]["seq"]
    address = f"{API}jobs/{job.pk}/events/"
    assert viewer.get(address, HTTP_LAST_EVENT_ID=str(last)).status_code == 204
    problem = assert_problem(
        viewer.get(address, HTTP_LAST_EVENT_ID=str(last + 1)), 400, "invalid_header"
    )
    assert str(last) in problem["detail"]


# --- permissions --------------------------------------------------------------------------------
def test_events__refused__as_problem_documents(users: Users, client_for: ClientFor) -> None:
    job = pending_job(users)
    address, accept = f"{API}jobs/{job.pk}/events/", {"HTTP_ACCEPT": "text/event-stream"}
    viewer = client_for(users.viewer)
    assert_problem(viewer.get(f"{API}jobs/{uuid4()}/events/", **accept), 404, "job_not_found")
    assert_problem(client_for(users.outsider).get(address, **accept), 403, "permission_denied")
    assert_problem(client_for(None).get(address, **accept), 401, "not_authenticated")
    assert_problem(viewer.get(address, HTTP_ACCEPT="application/json"), 406, "not_acceptable")
    assert_problem(viewer.get(f"{address}?after=1", **accept), 400, "invalid_parameter")
    STREAM_BROKER.set_capacity(0)
    answer = viewer.get(address, **accept)
    assert_problem(answer, 503, "too_many_streams")
    assert int(answer["Retry-After"]) > 0


def revoke_token(viewer: Any) -> None:
    [token] = ApiToken.objects.filter(user=viewer)
    tokens.revoke_token(token_id=token.pk, actor=viewer)


def switch_off(viewer: Any) -> None:
    viewer.is_active = False
    viewer.save()


def take_role(viewer: Any) -> None:
    viewer.groups.clear()


@pytest.mark.parametrize("lock_out", [revoke_token, switch_off, take_role])
def test_stream__whose_reader_loses_access__ends_before_it_sends_more(
    committed: Users, lock_out: Callable[[Any], None]
) -> None:
    job = pending_job(committed)
    with (
        served_application() as address,
        client_of(address, committed.viewer) as viewer,
        following(viewer, job.pk) as stream,
    ):
        stream.events(1)
        stream.beat()
        lock_out(committed.viewer)
        assert stream.rest() == []
        assert viewer.get(f"jobs/{job.pk}/events/").status_code in (401, 403)


# --- end of the stream --------------------------------------------------------------------------
def test_stream__has_an_end__and_goes_on_elsewhere(committed: Users, settings: Any) -> None:
    settings.GOVSITE_STREAMS = settings.GOVSITE_STREAMS | {"SECONDS": 0.5}
    job = pending_job(committed)
    with served_application() as address, client_of(address, committed.viewer) as viewer:
        with following(viewer, job.pk) as stream:
            received = stream.rest()
        GovernanceOrchestrator.start_job(job_id=job.pk, executor=committed.executor)
        with following(viewer, job.pk, received[-1].id) as stream:
            received += stream.rest()
    assert [event.name for event in received] == ["job.activation.created", "job.execution.started"]


def test_stream__ends_with_its_token(committed: Users, settings: Any) -> None:
    # The next heartbeat, which checks the token, is due only after the token has expired.
    settings.GOVSITE_STREAMS = settings.GOVSITE_STREAMS | {"HEARTBEAT_SECONDS": 60}
    job = pending_job(committed)
    token = new_token(committed.viewer, lasts=timedelta(seconds=1.5))
    with (
        served_application() as address,
        httpx.Client(
            base_url=f"{address}/api/v1/", headers={"Authorization": f"Bearer {token}"}
        ) as viewer,
        following(viewer, job.pk) as stream,
    ):
        assert len(stream.rest()) == 1
        assert viewer.get(f"jobs/{job.pk}/").json()["code"] == "token_expired"
