"""Connections to a server that stops responding are closed; a busy server is waited for."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from django.db import connection

from govsite import connections
from govsite.connections import WatchfulConnection
from govsite.databases import POOL_OPTIONS
from govsite.embedded.cluster import Cluster
from govsite.embedded.orphans import postgres_processes_in

QUICKLY = 8.0


@pytest.fixture
def own_server() -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="gs") as folder:
        cluster = Cluster(Path(folder) / "pg")
        cluster.initialise()
        cluster.ensure_running()
        yield cluster
        cluster.stop()


def connect(folder: Path) -> psycopg.Connection[Any]:
    return WatchfulConnection.connect(host=str(folder), user="postgres", dbname="postgres")


@contextmanager
def paused(processes: list[psutil.Process]) -> Iterator[None]:
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


def test_statement__whole_server_paused__is_given_up_and_the_connection_with_it(
    own_server: Cluster,
) -> None:
    with connect(own_server.path) as open_one:
        with paused(postgres_processes_in(own_server.path)):
            began = time.monotonic()
            with pytest.raises(psycopg.OperationalError, match="does not answer"):
                open_one.execute("SELECT 1")
            assert time.monotonic() - began < QUICKLY
        assert open_one.closed
    with connect(own_server.path) as another:
        assert another.execute("SELECT 1").fetchone() == (1,)


def test_statement__longer_than_the_patience_with_silence__is_waited_for(
    django_db_setup: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "SILENCE_SECONDS", 0.2)
    with connect(Path(connection.get_connection_params()["host"])) as open_one:
        assert open_one.execute("SELECT 1 FROM pg_sleep(1)").fetchone() == (1,)


def test_statement__its_own_process_alone_paused__is_waited_for(
    django_db_setup: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "SILENCE_SECONDS", 0.2)
    with connect(Path(connection.get_connection_params()["host"])) as open_one:
        backend = psutil.Process(open_one.info.backend_pid)
        backend.suspend()
        threading.Timer(1, backend.resume).start()
        assert open_one.execute("SELECT 1").fetchone() == (1,)


def test_pool__of_a_web_process__is_made_of_such_connections() -> None:
    assert POOL_OPTIONS["connection_class"] is WatchfulConnection
