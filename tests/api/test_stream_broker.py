"""Capacity of the stream broker: its size, who uses it, and its release."""

from __future__ import annotations

import gc
import os
import socket
from collections.abc import Iterator
from types import SimpleNamespace
from uuid import uuid4

import pytest

from governance.api.errors import TooManyStreamsError
from governance.api.events import RETRY, SEND_SECONDS
from governance.api.stream_broker import STREAM_BROKER, StreamBroker
from govsite import gunicorn_settings
from tests.api.conftest import ClientFor
from tests.api.support import API, assert_problem
from tests.support.events import let_go
from tests.support.factories import pending_job
from tests.support.users import Users

pytestmark = pytest.mark.usefixtures("streams")


@pytest.fixture
def idle_broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[StreamBroker]:
    """Replace the process's stream broker by a new one whose thread does not run."""
    broker = StreamBroker()
    monkeypatch.setattr("governance.api.stream_broker.STREAM_BROKER", broker)
    monkeypatch.setattr("threading.Thread.start", lambda thread: None)
    yield broker
    gc.unfreeze()  # undoes the gc.freeze() of post_worker_init


@pytest.mark.usefixtures("idle_broker")
def test_worker__started__excludes_loaded_objects_from_garbage_collection() -> None:
    worker = SimpleNamespace(cfg=SimpleNamespace(threads=1), alive=True, ppid=os.getppid())
    gunicorn_settings.post_worker_init(worker)
    assert gc.get_freeze_count() > 100_000
    assert gc.isenabled()


def test_stream_capacity__never_set__is_none() -> None:
    with pytest.raises(TooManyStreamsError):
        StreamBroker().subscribe(uuid4(), head=1)


@pytest.mark.parametrize(
    ("threads", "capacity"), [(1, 0), (4, 0), (8, 0), (10, 2), (24, 16), (99, 16)]
)
def test_stream_capacity__is_the_threads_that_calls_can_spare(
    idle_broker: StreamBroker, threads: int, capacity: int
) -> None:
    worker = SimpleNamespace(cfg=SimpleNamespace(threads=threads), alive=True, ppid=os.getppid())
    gunicorn_settings.post_worker_init(worker)
    subscribers = [idle_broker.subscribe(uuid4(), head=1) for _ in range(capacity)]
    with pytest.raises(TooManyStreamsError):
        idle_broker.subscribe(uuid4(), head=1)
    for subscriber in subscribers:
        idle_broker.unsubscribe(subscriber)
    worker.alive = False
    with pytest.raises(TooManyStreamsError):
        idle_broker.subscribe(uuid4(), head=1)


def test_polling_thread__that_fails__ends_its_streams_and_is_started_anew(
    idle_broker: StreamBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    idle_broker.set_capacity(1)
    subscriber = idle_broker.subscribe(uuid4(), head=1)
    monkeypatch.setattr("governance.api.stream_broker.heads_of", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        idle_broker._poll_until_idle()
    assert subscriber.is_over
    idle_broker.unsubscribe(subscriber)
    idle_broker.subscribe(uuid4(), head=1)
    assert idle_broker._poller


def test_client__that_stops_reading__is_not_waited_for_without_end(
    users: Users, client_for: ClientFor
) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        address = f"{API}jobs/{pending_job(users).pk}/events/"
        answer = client_for(users.viewer).get(address, **{"gunicorn.socket": ours})
        assert ours.gettimeout() == SEND_SECONDS
        theirs.close()
        assert list(answer.streaming_content)[:1] == [RETRY]  # then the stream ends


def test_stream__whose_response_is_never_closed__frees_its_capacity(
    users: Users, client_for: ClientFor
) -> None:
    STREAM_BROKER.set_capacity(1)
    address, viewer = f"{API}jobs/{pending_job(users).pk}/events/", client_for(users.viewer)
    answer = viewer.get(address)
    assert_problem(viewer.get(address), 503, "too_many_streams")
    del answer
    gc.collect()
    again = viewer.get(address)
    assert again.status_code == 200
    let_go(again)


def test_head__takes_no_stream_capacity(users: Users, client_for: ClientFor) -> None:
    STREAM_BROKER.set_capacity(1)
    address, viewer = f"{API}jobs/{pending_job(users).pk}/events/", client_for(users.viewer)
    for _ in range(3):
        head = viewer.head(address)
        assert (head.status_code, head["Content-Type"]) == (200, "text/event-stream")
    answer = viewer.get(address)
    assert answer.status_code == 200
    assert viewer.head(address).status_code == 200
    let_go(answer)
