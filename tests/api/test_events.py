"""`GET jobs/{id}/events/`: what comes, in which order, from where on, and until when."""

from __future__ import annotations

import gc
import os
import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import httpx
import pytest
from knox.models import get_token_model

from governance.api.events import RETRY, SEND_SECONDS
from governance.api.hub import HUB, Hub, TooManyStreams
from governance.flows import run_job
from govsite import gunicorn_settings
from tests.api.conftest import ClientFor
from tests.api.support import API, assert_problem, report_body
from tests.support.cast import Cast
from tests.support.events import Stream, following
from tests.support.http import served_application
from tests.support.roles import as_owner
from tests.support.sites import client_of
from tests.support.stories import failed_job, judged_job, now, pending_job, running_job


@pytest.fixture(autouse=True)
def _places_and_haste(settings: Any) -> Iterator[None]:
    settings.STREAMS = {"POLL_MS": 20, "HEARTBEAT_SECONDS": 0.2, "SECONDS": 60}
    HUB.open_places(4)
    yield
    HUB.open_places(0)


def ledger_of(client: Any, job: Any) -> list[dict[str, Any]]:
    """The job's entries, as the contract's ledger shows them."""
    entries = client.get(f"{API}contracts/{job.contract_id}/ledger/").json()["results"]
    names = [entry["event"] for entry in entries]
    return list(entries[names.index("job.activation.created") :])


# --- what comes ---------------------------------------------------------------------------------
def test_stream__of_a_contract_at_rest__is_the_ledger_from_the_jobs_first_entry_on(
    cast: Cast, client_for: ClientFor
) -> None:
    job, viewer = judged_job(cast), client_for(cast.viewer)
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
    """What the test client was given, read to its end."""
    body = b"".join(answer.streaming_content)
    assert body.startswith(b"retry: 3000\n\n")
    assert b"\n:" not in body, "it waited at its end"
    return Stream(httpx.Response(200, content=body))


def test_stream__while_another_client_runs_the_job__tells_each_entry_in_order(
    committed: Cast,
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
            (told,) = stream.events(1)
            assert (told.name, told.data["step_index"]) == ("job.step.completed", index)
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


def test_stream__of_an_ended_job__waits_for_its_verdict(committed: Cast) -> None:
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


def test_stream__of_more_entries_than_a_page__tells_all(
    cast: Cast, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("governance.api.events.PAGE", 2)
    job, viewer = judged_job(cast), client_for(cast.viewer)
    events = stream_of(viewer.get(f"{API}jobs/{job.pk}/events/")).rest()
    assert [event.data for event in events] == ledger_of(viewer, job)


# --- from where on ------------------------------------------------------------------------------
def test_stream__resumed_wherever_it_was_cut__loses_and_repeats_nothing(committed: Cast) -> None:
    running = running_job(committed)
    running.complete_steps(1)
    with (
        served_application() as address,
        client_of(address, committed.viewer) as viewer,
    ):
        heard = []
        with following(viewer, running.job.pk) as stream:
            heard += stream.events(2)
        for index in range(1, running.job.total_steps):
            running.record(running.report(index))
        with following(viewer, running.job.pk, heard[-1].id) as stream:
            heard += stream.events(1)
        running.complete()
        with following(viewer, running.job.pk, heard[-1].id) as stream:
            while heard[-1].name != "job.execution.completed":
                heard += stream.events(1)
    assert [event.id for event in heard] == [*range(heard[0].id, heard[-1].id + 1)]
    assert [event.name for event in heard].count("job.step.completed") == running.job.total_steps


@pytest.mark.parametrize("first", ["0", "1"])
def test_last_event_id__before_the_jobs_first_entry__begins_with_that(
    cast: Cast, client_for: ClientFor, first: str
) -> None:
    job, viewer = judged_job(cast), client_for(cast.viewer)
    answer = viewer.get(f"{API}jobs/{job.pk}/events/", HTTP_LAST_EVENT_ID=first)
    assert [event.data for event in stream_of(answer).rest()] == ledger_of(viewer, job)


@pytest.mark.parametrize(
    "given", ["", "-1", "+1", "1.0", "x", "01", "٣", "1 2", "9" * 11, str(2**31), "9" * 4000]
)
def test_last_event_id__that_is_no_id__400(cast: Cast, client_for: ClientFor, given: str) -> None:
    address = f"{API}jobs/{judged_job(cast).pk}/events/"
    answer = client_for(cast.viewer).get(address, HTTP_LAST_EVENT_ID=given)
    assert_problem(answer, 400, "invalid_header", "Last-Event-ID")


def test_last_event_id__beyond_the_chain__400_and_not_a_stream_that_leaves_entries_out(
    cast: Cast, client_for: ClientFor
) -> None:
    job, viewer = judged_job(cast), client_for(cast.viewer)
    last = ledger_of(viewer, job)[-1]["seq"]
    address = f"{API}jobs/{job.pk}/events/"
    assert viewer.get(address, HTTP_LAST_EVENT_ID=str(last)).status_code == 204
    problem = assert_problem(
        viewer.get(address, HTTP_LAST_EVENT_ID=str(last + 1)), 400, "invalid_header"
    )
    assert str(last) in problem["detail"]


# --- who may ------------------------------------------------------------------------------------
def test_events__refused__as_problem_documents(cast: Cast, client_for: ClientFor) -> None:
    job = pending_job(cast)
    address, accept = f"{API}jobs/{job.pk}/events/", {"HTTP_ACCEPT": "text/event-stream"}
    viewer = client_for(cast.viewer)
    assert_problem(viewer.get(f"{API}jobs/{uuid4()}/events/", **accept), 404, "job_not_found")
    assert_problem(client_for(cast.outsider).get(address, **accept), 403, "permission_denied")
    assert_problem(client_for(None).get(address, **accept), 401, "not_authenticated")
    assert_problem(viewer.get(address, HTTP_ACCEPT="application/json"), 406, "not_acceptable")
    assert_problem(viewer.get(f"{address}?after=1", **accept), 400, "invalid_parameter")
    HUB.open_places(0)
    answer = viewer.get(address, **accept)
    assert_problem(answer, 503, "too_many_streams")
    assert int(answer["Retry-After"]) > 0


def delete_token(viewer: Any) -> None:
    with as_owner():
        get_token_model().objects.filter(user=viewer).delete()


def switch_off(viewer: Any) -> None:
    viewer.is_active = False
    viewer.save()


def take_role(viewer: Any) -> None:
    viewer.groups.clear()


@pytest.mark.parametrize("lock_out", [delete_token, switch_off, take_role])
def test_stream__whose_reader_is_locked_out__ends_before_it_tells_more(
    committed: Cast, lock_out: Callable[[Any], None]
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


# --- until when ---------------------------------------------------------------------------------
def test_stream__has_an_end__and_goes_on_elsewhere(committed: Cast, settings: Any) -> None:
    settings.STREAMS = settings.STREAMS | {"SECONDS": 0.5}
    job = pending_job(committed)
    with served_application() as address, client_of(address, committed.viewer) as viewer:
        with following(viewer, job.pk) as stream:
            heard = stream.rest()
        run_job.start_job(job_id=job.pk, executor=committed.executor, at=now())
        with following(viewer, job.pk, heard[-1].id) as stream:
            heard += stream.rest()
    assert [event.name for event in heard] == ["job.activation.created", "job.execution.started"]


def test_stream__ends_with_its_token(committed: Cast, settings: Any) -> None:
    settings.STREAMS = settings.STREAMS | {"HEARTBEAT_SECONDS": 60}  # before anybody asks again
    job = pending_job(committed)
    _, token = get_token_model().objects.create(committed.viewer, expiry=timedelta(seconds=1.5))
    with (
        served_application() as address,
        httpx.Client(
            base_url=f"{address}/api/v1/", headers={"Authorization": f"Bearer {token}"}
        ) as viewer,
        following(viewer, job.pk) as stream,
    ):
        assert len(stream.rest()) == 1
        assert viewer.get(f"jobs/{job.pk}/").json()["code"] == "token_expired"


# --- places -------------------------------------------------------------------------------------
def test_places__of_a_server_that_gave_none__are_none() -> None:
    with pytest.raises(TooManyStreams):
        Hub().take_place(uuid4(), head=1)


@pytest.mark.parametrize(
    ("threads", "places"), [(1, 0), (4, 0), (8, 0), (10, 2), (24, 16), (99, 16)]
)
def test_places__are_the_threads_that_calls_can_spare(threads: int, places: int) -> None:
    worker = SimpleNamespace(cfg=SimpleNamespace(threads=threads), alive=True, ppid=os.getppid())
    gunicorn_settings.post_worker_init(worker)
    taken = [HUB.take_place(uuid4(), head=1) for _ in range(places)]
    with pytest.raises(TooManyStreams):
        HUB.take_place(uuid4(), head=1)
    for place in taken:
        HUB.leave(place)
    worker.alive = False
    with pytest.raises(TooManyStreams):
        HUB.take_place(uuid4(), head=1)


def test_places__whose_looker_fails__are_left_and_can_be_taken_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub = Hub()
    hub.open_places(1)
    monkeypatch.setattr("threading.Thread.start", lambda thread: None)
    place = hub.take_place(uuid4(), head=1)
    monkeypatch.setattr("governance.api.hub.heads_of", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        hub._look_out()
    assert place.is_over
    hub.leave(place)
    hub.take_place(uuid4(), head=1)
    assert hub._looker


def test_client__that_stops_reading__is_not_waited_for_without_end(
    cast: Cast, client_for: ClientFor
) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        address = f"{API}jobs/{pending_job(cast).pk}/events/"
        answer = client_for(cast.viewer).get(address, **{"gunicorn.socket": ours})
        assert ours.gettimeout() == SEND_SECONDS
        theirs.close()
        assert list(answer.streaming_content)[:1] == [RETRY]  # and then it ends


def test_place__of_an_answer_that_nobody_closes__is_free_again(
    cast: Cast, client_for: ClientFor
) -> None:
    HUB.open_places(1)
    address, viewer = f"{API}jobs/{pending_job(cast).pk}/events/", client_for(cast.viewer)
    answer = viewer.get(address)
    assert_problem(viewer.get(address), 503, "too_many_streams")
    del answer
    gc.collect()
    again = viewer.get(address)
    assert again.status_code == 200
    again.close()


def test_head__takes_no_place(cast: Cast, client_for: ClientFor) -> None:
    HUB.open_places(1)
    address, viewer = f"{API}jobs/{pending_job(cast).pk}/events/", client_for(cast.viewer)
    for _ in range(3):
        head = viewer.head(address)
        assert (head.status_code, head["Content-Type"]) == (200, "text/event-stream")
    answer = viewer.get(address)
    assert answer.status_code == 200
    assert viewer.head(address).status_code == 200
    answer.close()
