"""The embedded PostgreSQL: processes share one server, which survives the exit of any of them."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from govsite.embedded.orphans import postgres_processes_in
from govsite.embedded.server import restart_if_killed
from tests.support.commands import ROOT

USE_IT = """
import sys, time
from pathlib import Path
import psycopg
from govsite.embedded.server import start_server
folder = start_server(Path(sys.argv[1]))
with psycopg.connect(host=folder, user="postgres", dbname="postgres") as connection:
    assert connection.execute("SELECT 1").fetchone() == (1,)
    print(folder, flush=True)
    sys.stdin.readline()
    assert connection.execute("SELECT 2").fetchone() == (2,)
"""
LOSE_IT = """
import os, signal, django
django.setup()
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SELECT 1")
with open(connection.settings_dict["HOST"] + "/postmaster.pid") as file:
    os.kill(int(file.readline()), signal.SIGKILL)
connection.close()
with connection.cursor() as cursor:
    cursor.execute("SELECT 3")
    print(cursor.fetchone())
"""
# A busy backend does not notice that the postmaster died; a waiting one does.
BUSY_LOOP = "DO $$ BEGIN LOOP PERFORM 1; END LOOP; END $$"


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="gs") as name:
        yield Path(name) / "pg"
        for process in servers(Path(name)):
            process.kill()


def user(folder: Path) -> subprocess.Popen[str]:
    """Start a process that uses the server until it reads a line."""
    return subprocess.Popen(
        [sys.executable, "-c", USE_IT, str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def environment_without_database() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}


def leave(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, err = process.communicate("\n", timeout=60)
    return process.returncode, err


def servers(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            command = process.cmdline()
            if command[:1] and command[0].endswith("/postgres") and str(folder) in command[2]:
                found.append(process)
        except (psutil.Error, IndexError):
            continue
    return found


def test_server__many_start_it_at_once__is_one_and_the_last_stops_it(folder: Path) -> None:
    users = [user(folder) for _ in range(6)]
    for process in users:
        assert process.stdout is not None
        assert process.stdout.readline() == f"{folder}\n"
    assert len(servers(folder)) == 1
    for process in users[:-1]:
        assert leave(process) == (0, "")
    assert len(servers(folder)) == 1
    assert leave(users[-1]) == (0, "")
    assert servers(folder) == []


@pytest.mark.long
def test_server__one_of_its_users_killed__the_last_still_stops_it(folder: Path) -> None:
    killed, last = user(folder), user(folder)
    for process in (killed, last):
        assert process.stdout is not None
        process.stdout.readline()
    killed.kill()
    killed.communicate()
    assert leave(last) == (0, "")
    assert servers(folder) == []


def test_server__killed_with_its_only_user__starts_again(folder: Path) -> None:
    """Start despite stale files whose process id now belongs to an unrelated process."""
    other = user(folder.with_name("other"))
    process = user(folder)
    for started in (other, process):
        assert started.stdout is not None
        started.stdout.readline()
    process.kill()
    process.communicate()
    (server,) = servers(folder)
    (others_server,) = servers(folder.with_name("other"))
    server.kill()
    psutil.wait_procs([server], timeout=5)
    for stale in (folder / "postmaster.pid", folder / ".s.PGSQL.5432.lock"):
        stale.write_text(stale.read_text().replace(str(server.pid), str(others_server.pid), 1))
    message = "The embedded PostgreSQL was killed; it is being started again.\n"
    assert leave(user(folder)) == (0, message)
    assert servers(folder) == []
    assert leave(other) == (0, "")


@pytest.mark.long
def test_server__interrupted_while_the_folder_is_made__is_made_the_next_time(folder: Path) -> None:
    process = user(folder)
    while not folder.with_name("pg.new").exists() and process.poll() is None:
        pass
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert leave(user(folder)) == (0, "")


def test_server__path_too_long_for_a_socket__uses_a_private_folder(folder: Path) -> None:
    long = folder.parent / "with spaces and 'quotes'" / ("x" * 110) / "pg"
    process = user(long)
    assert process.stdout is not None
    elsewhere = Path(process.stdout.readline().strip())
    try:
        assert elsewhere != long
        assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o700
        assert leave(process) == (0, "")
    finally:
        elsewhere.rmdir()


def test_server__private_folder_that_others_may_enter__is_refused(folder: Path) -> None:
    long = folder.parent / ("x" * 110) / "pg"
    process = user(long)
    assert process.stdout is not None
    elsewhere = Path(process.stdout.readline().strip())
    leave(process)
    try:
        elsewhere.chmod(0o777)
        code, err = leave(user(long))
        assert code == 1
        assert "is not private to this user" in err
    finally:
        elsewhere.rmdir()


def test_server__folder_of_something_else__is_refused_and_kept(folder: Path) -> None:
    folder.mkdir()
    (folder / "diary").write_text("mine")
    code, err = leave(user(folder))
    assert code == 1
    assert "is not a PostgreSQL data folder" in err
    assert (folder / "diary").read_text() == "mine"


def test_server__data_folder__is_its_owners_alone(folder: Path) -> None:
    assert leave(user(folder)) == (0, "")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.long
@pytest.mark.parametrize("its_query", ["SELECT pg_sleep(600)", BUSY_LOOP], ids=["idle", "busy"])
def test_server__killed_while_a_query_runs__starts_again_and_the_query_is_no_more(
    folder: Path, its_query: str
) -> None:
    process = user(folder)
    assert process.stdout is not None
    process.stdout.readline()
    (server,) = servers(folder)
    with ThreadPoolExecutor(1) as other:
        connection = psycopg.connect(host=str(folder), user="postgres", dbname="postgres")
        running = other.submit(connection.execute, its_query)
        backend = psutil.Process(connection.info.backend_pid)
        with psycopg.connect(host=str(folder), user="postgres", dbname="postgres") as onlooker:
            running_queries = "SELECT count(*) FROM pg_stat_activity WHERE query = %s"
            while onlooker.execute(running_queries, [its_query]).fetchone() != (1,):
                onlooker.rollback()
        server.kill()
        psutil.wait_procs([server], timeout=5)
        try:
            assert restart_if_killed(folder)
            assert backend not in postgres_processes_in(folder)
        finally:
            # The busy loop never ends by itself, so the test must kill its backend.
            with suppress(psutil.NoSuchProcess):
                backend.kill()
        with pytest.raises(psycopg.OperationalError):
            running.result()
    assert len(servers(folder)) == 1
    with psycopg.connect(host=str(folder), user="postgres", dbname="postgres") as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    process.kill()
    process.communicate()


@pytest.mark.long
def test_connection__after_the_server_was_killed__is_made_all_the_same(folder: Path) -> None:
    """Reconnect in a long-running command although the stale socket file remains."""
    ran = subprocess.run(
        [sys.executable, "-c", LOSE_IT],
        cwd=ROOT,
        env=environment_without_database() | {"GOVSITE_DATA_DIR": str(folder.parent)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (0, "(3,)\n"), ran.stderr
    assert servers(folder) == []


def test_embedded_server__not_installed__says_what_to_do() -> None:
    """Name both remedies in the error, as a production install has no embedded server."""
    asked = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; sys.modules['psutil'] = None; import govsite.embedded.base",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert asked.returncode != 0
    assert "ImproperlyConfigured: The embedded PostgreSQL is not installed" in asked.stderr
    assert "requirements-embedded.txt" in asked.stderr
