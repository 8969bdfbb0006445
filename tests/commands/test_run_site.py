"""`run_site`, as `make run` starts it: everything comes up, everything goes away."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from governance.models.app_role import excess_rights, strengths
from govsite.embedded import APP_ROLE, OWNER
from tests.support.commands import ROOT, Ran

PATIENCE_SECONDS = 90
# Whom the site must look up in its database, to find that it knows nobody of that name.
SOMEBODY = {"Authorization": "Bearer " + "a" * 64}


@dataclass
class House:
    """A data folder and a port of its own, and what was started there."""

    folder: Path
    port: int
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        environment = {
            name: value
            for name, value in os.environ.items()
            if name not in {"DATABASE_URL", "GOVSITE_HTTPS", "DEBUG"}
        }
        process = subprocess.Popen(
            [sys.executable, "manage.py", "run_site", "--port", str(self.port), *arguments],
            cwd=ROOT,
            env=environment | {"GOVSITE_DATA_DIR": str(self.folder)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        client.request("GET", path, headers=headers)
        answer = client.getresponse()
        return answer.status, answer.read().decode()

    def processes(self) -> list[str]:
        """What still runs that belongs to this house."""
        found = []
        for process in psutil.process_iter():
            try:
                line = " ".join(process.cmdline())
                if str(self.folder) in line or f"--bind=127.0.0.1:{self.port}" in line:
                    found.append(line)
            except psutil.Error:
                continue
        return found


def owner_of(house: House) -> psycopg.Connection[Any]:
    """The owner's session on the house's database, while its server runs."""
    return psycopg.connect(
        host=str(house.folder / "pg"),
        user=OWNER,
        dbname="govsite",
        application_name="test",
        autocommit=True,
    )


@pytest.fixture
def house() -> Iterator[House]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="gs") as folder:
        house = House(Path(folder), port)
        yield house
        for process in house.started:
            process.kill()
            process.communicate()


def read_until_up(process: subprocess.Popen[str]) -> str:
    """What it prints until it listens."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if "Ctrl-C" in line:
            return said
    raise AssertionError(f"It did not come up: {said}{process.communicate()[1]}")


def stop(process: subprocess.Popen[str], number: int) -> Ran:
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    return Ran(process.returncode, out, err)


def test_run_site__started_stopped_and_started_again__keeps_its_data_and_leaves_nothing(
    house: House,
) -> None:
    first = house.start()
    said = read_until_up(first)
    assert f"http://127.0.0.1:{house.port}/admin/" in said
    assert f"http://127.0.0.1:{house.port}/api/v1/" in said
    passwords = re.findall(r"^  (admin|operator|founder) +(\S+)", said, re.MULTILINE)
    assert [name for name, _ in passwords] == ["admin", "operator", "founder"]
    status, page = house.get("/admin/login/")
    assert (status, "csrfmiddlewaretoken" in page) == (200, True)
    assert house.get("/api/v1/schema/")[0] == 200
    assert house.get("/api/v1/docs/")[0] == 200
    assert house.get("/api/v1/contracts/")[0] == 401
    assert house.processes()

    ended = stop(first, signal.SIGINT)
    assert (ended.code, "Traceback" in ended.err) == (0, False)
    assert house.processes() == []

    second = house.start()
    said = read_until_up(second)
    assert "password" not in said
    assert passwords[0][1] not in said
    assert house.get("/admin/login/")[0] == 200
    assert stop(second, signal.SIGTERM).code == 0
    assert house.processes() == []


def test_run_site__killed__does_not_stand_in_the_way_of_the_next(house: House) -> None:
    first = house.start("--no-demo")
    read_until_up(first)
    first.kill()
    first.wait()
    second = house.start("--no-demo")
    read_until_up(second)
    assert house.get("/admin/login/")[0] == 200
    assert stop(second, signal.SIGINT).code == 0
    assert house.processes() == []


def test_run_site__port_in_use__says_so(house: House) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", house.port))
        other.listen()
        process = house.start()
        _, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 1
    assert err.startswith(f"error: Cannot listen on 127.0.0.1, port {house.port}: ")
    assert err.endswith("(cannot_serve)\n")
    assert not (house.folder / "pg").exists()  # it looked before it did anything


def test_run_site__stopped_while_it_prepares__leaves_nothing(house: House) -> None:
    process = house.start()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (house.folder / "pg" / "postmaster.pid").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    ended = stop(process, signal.SIGINT)
    assert (ended.code, "Traceback" in ended.err) == (0, False)
    assert house.processes() == []


def test_run_site__without_demo__leaves_the_database_empty(house: House) -> None:
    process = house.start("--no-demo")
    assert "password" not in read_until_up(process)
    assert stop(process, signal.SIGINT).code == 0


def test_run_site__serves__as_the_role_that_cannot_rewrite(house: House) -> None:
    process = house.start("--no-demo")
    read_until_up(process)
    assert house.get("/api/v1/jobs/", **SOMEBODY)[0] == 401
    with owner_of(house) as owner:
        whose = "SELECT DISTINCT usename FROM pg_stat_activity WHERE application_name <> 'test'"
        assert owner.execute(f"{whose} AND datname = 'govsite'").fetchall() == [(APP_ROLE,)]
    assert stop(process, signal.SIGINT).code == 0


def test_run_site__on_data_from_before_there_were_two_roles__brings_it_over(house: House) -> None:
    first = house.start("--no-demo")
    read_until_up(first)
    with owner_of(house) as owner:
        # As it was made then: one role, and what everybody may do by default.
        owner.execute("ALTER ROLE govsite_app NOLOGIN")
        owner.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE usename = 'govsite_app'"
        )
        owner.execute("DROP OWNED BY govsite_app")
        owner.execute("DROP ROLE govsite_app")
        owner.execute("GRANT TEMPORARY ON DATABASE govsite TO PUBLIC")
    assert stop(first, signal.SIGINT).code == 0

    second = house.start("--no-demo")
    read_until_up(second)
    assert house.get("/api/v1/jobs/", **SOMEBODY)[0] == 401
    with owner_of(house) as owner, owner.cursor() as cursor:
        assert (strengths(cursor, role=APP_ROLE), excess_rights(cursor, role=APP_ROLE)) == ([], [])
    assert stop(second, signal.SIGINT).code == 0


def test_run_site__database_killed__is_brought_back_and_says_so(house: House) -> None:
    process = house.start("--no-demo")
    read_until_up(process)
    pid_file = house.folder / "pg" / "postmaster.pid"
    killed = int(pid_file.read_text().splitlines()[0])
    os.kill(killed, signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (status := house.get("/api/v1/jobs/", **SOMEBODY)[0]) != 401:
        assert (status, time.monotonic() < deadline) == (503, True)
    assert int(pid_file.read_text().splitlines()[0]) != killed
    ended = stop(process, signal.SIGINT)
    assert (ended.code, "Traceback" in ended.err) == (0, False)
    assert "it is being started again" in ended.err
    assert house.processes() == []
