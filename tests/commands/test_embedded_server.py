"""The embedded PostgreSQL: one server for all, whoever comes first, leaves last or is killed."""

from __future__ import annotations

import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

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


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="gs") as name:
        yield Path(name) / "pg"
        for process in servers(Path(name)):
            process.kill()


def user(folder: Path) -> subprocess.Popen[str]:
    """A process that uses the server until it reads a line."""
    return subprocess.Popen(
        [sys.executable, "-c", USE_IT, str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


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
    """The files that it leaves name a process that may be anybody's by now: here, another one's."""
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
    assert leave(user(folder)) == (0, "")
    assert servers(folder) == []
    assert leave(other) == (0, "")


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
        assert "is not ours alone" in err
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
