"""Places of streams: how many there are, who takes one, and that each is given back."""

from __future__ import annotations

import gc
import os
import socket
from collections.abc import Iterator
from types import SimpleNamespace
from uuid import uuid4

import pytest

from governance.api.events import RETRY, SEND_SECONDS
from governance.api.hub import HUB, Hub, TooManyStreams
from govsite import gunicorn_settings
from tests.api.conftest import ClientFor
from tests.api.support import API, assert_problem
from tests.support.cast import Cast
from tests.support.events import let_go
from tests.support.stories import pending_job

pytestmark = pytest.mark.usefixtures("streams")


@pytest.fixture
def unattended(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The process's hub is a new one, whose thread does not run."""
    hub = Hub()
    monkeypatch.setattr("governance.api.hub.HUB", hub)
    monkeypatch.setattr("threading.Thread.start", lambda thread: None)
    yield hub
    gc.unfreeze()  # what a worker's beginning set aside


@pytest.mark.usefixtures("unattended")
def test_worker__that_begins__looks_for_no_garbage_among_what_was_loaded() -> None:
    worker = SimpleNamespace(cfg=SimpleNamespace(threads=1), alive=True, ppid=os.getppid())
    gunicorn_settings.post_worker_init(worker)
    assert gc.get_freeze_count() > 100_000
    assert gc.isenabled()


def test_places__of_a_server_that_gave_none__are_none() -> None:
    with pytest.raises(TooManyStreams):
        Hub().take_place(uuid4(), head=1)


@pytest.mark.parametrize(
    ("threads", "places"), [(1, 0), (4, 0), (8, 0), (10, 2), (24, 16), (99, 16)]
)
def test_places__are_the_threads_that_calls_can_spare(
    unattended: Hub, threads: int, places: int
) -> None:
    worker = SimpleNamespace(cfg=SimpleNamespace(threads=threads), alive=True, ppid=os.getppid())
    gunicorn_settings.post_worker_init(worker)
    taken = [unattended.take_place(uuid4(), head=1) for _ in range(places)]
    with pytest.raises(TooManyStreams):
        unattended.take_place(uuid4(), head=1)
    for place in taken:
        unattended.leave(place)
    worker.alive = False
    with pytest.raises(TooManyStreams):
        unattended.take_place(uuid4(), head=1)


def test_places__whose_looker_fails__are_left_and_looked_after_anew(
    unattended: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    unattended.open_places(1)
    place = unattended.take_place(uuid4(), head=1)
    monkeypatch.setattr("governance.api.hub.heads_of", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        unattended._look_out()
    assert place.is_over
    unattended.leave(place)
    unattended.take_place(uuid4(), head=1)
    assert unattended._looker


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
    let_go(again)


def test_head__takes_no_place(cast: Cast, client_for: ClientFor) -> None:
    HUB.open_places(1)
    address, viewer = f"{API}jobs/{pending_job(cast).pk}/events/", client_for(cast.viewer)
    for _ in range(3):
        head = viewer.head(address)
        assert (head.status_code, head["Content-Type"]) == (200, "text/event-stream")
    answer = viewer.get(address)
    assert answer.status_code == 200
    assert viewer.head(address).status_code == 200
    let_go(answer)
