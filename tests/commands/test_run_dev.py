"""`run_dev`, as `make run` starts it: start and stop of the server, the site and the demo."""

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
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from governance.db.app_role import excess_rights, role_privileges
from govsite.embedded import APP_ROLE, OWNER
from tests.support.commands import ROOT, CommandResult

PATIENCE_SECONDS = 90
# A well-formed but unknown token, which makes the site query its database.
UNKNOWN_TOKEN = {"Authorization": "Bearer " + "a" * 64}


@dataclass
class DevSite:
    """A development site: its data folder, its port and its processes."""

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
            [sys.executable, "manage.py", "run_dev", "--port", str(self.port), *arguments],
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
        """Return the command lines of the running processes of this site."""
        found = []
        for process in psutil.process_iter():
            try:
                line = " ".join(process.cmdline())
                is_of_site = process.environ().get("GOVSITE_DATA_DIR") == str(self.folder)
                if str(self.folder) in line or is_of_site:
                    found.append(line)
            except psutil.Error:
                continue
        return found


def owner_of(dev_site: DevSite) -> psycopg.Connection[Any]:
    """Open a session of the tables' owner on the site's running database."""
    return psycopg.connect(
        host=str(dev_site.folder / "pg"),
        user=OWNER,
        dbname="govsite",
        application_name="test",
        autocommit=True,
    )


@pytest.fixture
def dev_site() -> Iterator[DevSite]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="gs") as folder:
        dev_site = DevSite(Path(folder), port)
        yield dev_site
        for process in dev_site.started:
            process.kill()
            process.communicate()


def read_until_up(process: subprocess.Popen[str]) -> str:
    """Return the output of the process up to the line that says it listens."""
    assert process.stdout is not None
    output = ""
    for line in process.stdout:
        output += line
        if "Ctrl-C" in line:
            return output
    raise AssertionError(f"It did not come up: {output}{process.communicate()[1]}")


def stop(process: subprocess.Popen[str], number: int) -> CommandResult:
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    return CommandResult(process.returncode, out, err)


def test_run_dev__started_stopped_and_started_again__keeps_its_data_and_leaves_nothing(
    dev_site: DevSite,
) -> None:
    first = dev_site.start()
    output = read_until_up(first)
    assert f"http://127.0.0.1:{dev_site.port}/admin/" in output
    assert f"http://127.0.0.1:{dev_site.port}/api/v1/" in output
    passwords = re.findall(r"^  (admin|operator|founder) +(\S+)", output, re.MULTILINE)
    assert [name for name, _ in passwords] == ["admin", "operator", "founder"]
    status, page = dev_site.get("/admin/login/")
    assert (status, "csrfmiddlewaretoken" in page) == (200, True)
    assert dev_site.get("/api/v1/schema/")[0] == 200
    assert dev_site.get("/api/v1/docs/")[0] == 200
    assert dev_site.get("/api/v1/contracts/")[0] == 401
    assert any(line.endswith("manage.py worker") for line in dev_site.processes())
    assert 'scopes = ["GiftCards"]' in (dev_site.folder / "routes.toml").read_text()

    ended = stop(first, signal.SIGINT)
    assert (ended.code, "Traceback" in ended.err) == (0, False)
    assert dev_site.processes() == []

    second = dev_site.start()
    output = read_until_up(second)
    assert "password" not in output
    assert passwords[0][1] not in output
    assert dev_site.get("/admin/login/")[0] == 200
    assert stop(second, signal.SIGTERM).code == 0
    assert dev_site.processes() == []


@pytest.mark.long
def test_run_dev__whose_worker_is_killed__starts_another_and_leaves_nothing(
    dev_site: DevSite,
) -> None:
    site = dev_site.start()
    read_until_up(site)
    first = worker_of(dev_site)
    first.kill()
    first.wait(PATIENCE_SECONDS)
    second = worker_of(dev_site)
    assert second.pid != first.pid
    assert "The worker ended with -9; another one is started." in stop(site, signal.SIGINT).err
    assert dev_site.processes() == []


def worker_of(dev_site: DevSite) -> psutil.Process:
    """Return the process of the site's worker, as soon as there is one."""
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < ends_at:
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                is_of_site = process.environ().get("GOVSITE_DATA_DIR") == str(dev_site.folder)
                if is_of_site and process.cmdline()[-2:] == ["manage.py", "worker"]:
                    return process
        time.sleep(0.1)
    raise AssertionError("The site has no worker.")


@pytest.mark.long
def test_run_dev__killed__does_not_hinder_the_next(dev_site: DevSite) -> None:
    first = dev_site.start("--no-demo")
    read_until_up(first)
    first.kill()
    first.wait()
    second = dev_site.start("--no-demo")
    read_until_up(second)
    assert dev_site.get("/admin/login/")[0] == 200
    assert stop(second, signal.SIGINT).code == 0
    assert dev_site.processes() == []


@pytest.mark.long
def test_run_dev__port_in_use__says_so(dev_site: DevSite) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", dev_site.port))
        other.listen()
        process = dev_site.start()
        _, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 1
    assert err.startswith(f"error: Cannot listen on 127.0.0.1, port {dev_site.port}: ")
    assert err.endswith("(cannot_serve)\n")
    assert not (dev_site.folder / "pg").exists()  # the port is checked before the server is created


@pytest.mark.long
def test_run_dev__stopped_while_it_prepares__leaves_nothing(dev_site: DevSite) -> None:
    process = dev_site.start()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (dev_site.folder / "pg" / "postmaster.pid").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    ended = stop(process, signal.SIGINT)
    assert (ended.code, "Traceback" in ended.err) == (0, False)
    assert dev_site.processes() == []


@pytest.mark.long
def test_run_dev__without_demo__leaves_the_database_empty(dev_site: DevSite) -> None:
    process = dev_site.start("--no-demo")
    assert "password" not in read_until_up(process)
    assert stop(process, signal.SIGINT).code == 0


def test_run_dev__serves__as_the_role_that_cannot_rewrite(dev_site: DevSite) -> None:
    process = dev_site.start("--no-demo")
    read_until_up(process)
    assert dev_site.get("/api/v1/jobs/", **UNKNOWN_TOKEN)[0] == 401
    with owner_of(dev_site) as owner:
        whose = "SELECT DISTINCT usename FROM pg_stat_activity WHERE application_name <> 'test'"
        assert owner.execute(f"{whose} AND datname = 'govsite'").fetchall() == [(APP_ROLE,)]
    assert stop(process, signal.SIGINT).code == 0


@pytest.mark.long
def test_run_dev__on_data_from_before_there_were_two_roles__migrates_it(dev_site: DevSite) -> None:
    first = dev_site.start("--no-demo")
    read_until_up(first)
    with owner_of(dev_site) as owner:
        # Recreate a database from before the application role, with default privileges.
        owner.execute("ALTER ROLE govsite_app NOLOGIN")
        owner.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE usename = 'govsite_app'"
        )
        owner.execute("DROP OWNED BY govsite_app")
        owner.execute("DROP ROLE govsite_app")
        owner.execute("GRANT TEMPORARY ON DATABASE govsite TO PUBLIC")
    assert stop(first, signal.SIGINT).code == 0

    second = dev_site.start("--no-demo")
    read_until_up(second)
    assert dev_site.get("/api/v1/jobs/", **UNKNOWN_TOKEN)[0] == 401
    with owner_of(dev_site) as owner, owner.cursor() as cursor:
        assert (role_privileges(cursor, role=APP_ROLE), excess_rights(cursor, role=APP_ROLE)) == (
            [],
            [],
        )
    assert stop(second, signal.SIGINT).code == 0


@pytest.mark.long
def test_run_dev__database_killed__is_restarted_and_says_so(dev_site: DevSite) -> None:
    process = dev_site.start("--no-demo")
    read_until_up(process)
    pid_file = dev_site.folder / "pg" / "postmaster.pid"
    killed = int(pid_file.read_text().splitlines()[0])
    os.kill(killed, signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (status := dev_site.get("/api/v1/jobs/", **UNKNOWN_TOKEN)[0]) != 401:
        assert (status, time.monotonic() < deadline) == (503, True)
    assert int(pid_file.read_text().splitlines()[0]) != killed
    ended = stop(process, signal.SIGINT)
    assert (ended.code, "Traceback" in ended.err) == (0, False)
    assert "it is being started again" in ended.err
    assert dev_site.processes() == []
