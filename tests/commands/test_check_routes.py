"""`check_routes`: who serves each capability, and what a worker would do with a job."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from governance.authorities.executor.options import OptionTable
from governance.authorities.executor.routed_handlers import RoutedHandlers
from governance.authorities.executor.secret_files import SecretFiles
from governance.authorities.executor.steps import Step, StepHandler, StepOutcome
from governance.domain.canonical import timestamp
from governance.domain.changes import CHANGE_TYPES
from governance.flows.route_steps import site_routes
from governance.management.commands import check_routes
from governance.management.routes_check import check_routes_file
from governance.models import GovernanceJob
from governance.services.registry.operations import register_capabilities
from tests.support.attacks import nothing_written
from tests.support.breakers import opened
from tests.support.commands import CommandResult, run
from tests.support.factories import pending_job, running_job
from tests.support.freezes import frozen
from tests.support.users import Users

USER = 'user = "nobody"' if os.geteuid() == 0 else ""
PROGRAM = f"""
[[route]]
scopes = ["Search"]
change_types = "*"
handler = "command"
observer = "git"
[route.observer_options]
repository = "{{repository}}"
file = "settings.json"
[route.options]
argv = ["/bin/true"]
{USER}
"""
CLIENT = """
[[route]]
scopes = ["Search"]
change_types = ["parameter_change"]
handler = "client"
trust_reports = true
"""


@pytest.fixture
def file(tmp_path: Path, settings: Any, users: Users) -> Path:
    """A routes file that is written by the test, on a site with two capabilities."""
    register_capabilities(documents=[{"name": "Search"}, {"name": "Sync"}])
    path = tmp_path / "routes.toml"
    settings.GOVSITE_EXECUTION_FILE = str(path)
    settings.GOVSITE_SECRETS_DIR = ""
    return path


def write(path: Path, text: str) -> None:
    """Write the routes, whose observer reads a folder that counts as a bare repository."""
    path.write_text(text.replace("{repository}", str(path.parent)))
    path.chmod(0o644)


def rows_of(ran: CommandResult, scope: str) -> list[list[str]]:
    """Return the rows of a scope, each as its words."""
    return [line.split() for line in ran.out.splitlines() if line.split()[:1] == [scope]]


def test_table__of_all_capabilities__says_who_serves_them(file: Path) -> None:
    write(file, PROGRAM)
    ran = run("check_routes")
    assert ran.code == 0, ran.err
    assert rows_of(ran, "Search") == [["Search", "all", "command", "git", "-", "route[0]"]]
    assert rows_of(ran, "SYSTEM") == [["SYSTEM", "all", "client", "-", "-", "-"]]
    assert [line.split()[0] for line in ran.out.splitlines()[1:]] == ["SYSTEM", "Search", "Sync"]


def test_table__of_types_that_are_served_differently__has_a_row_for_each(file: Path) -> None:
    write(file, CLIENT + PROGRAM)
    [others, parameters] = sorted(rows_of(run("check_routes"), "Search"), key=len, reverse=True)
    assert others[1:4] == ["capability_enable,", "capability_disable,", "configuration_update"]
    assert others[4:] == ["command", "git", "-", "route[1]"]
    assert parameters[1:] == ["parameter_change", "client", "-", "trusted", "route[0]"]


def test_json__has_each_type_of_step_of_each_scope(file: Path) -> None:
    write(file, PROGRAM)
    document = run("check_routes", "--json").json()
    assert document["file"] == str(file)
    served = [one for one in document["served"] if one["scope"] == "Search"]
    assert [one["step_type"] for one in served] == list(CHANGE_TYPES)
    assert served[0] == {
        "scope": "Search",
        "step_type": "capability_enable",
        "handler": "command",
        "observer": "git",
        "trust_reports": False,
        "route": "route[0]",
        "obstacle": "",
    }
    assert (document["obstacles"], document["unregistered_scopes"]) == ([], [])


def test_site__without_a_file__leaves_all_to_clients_and_says_so(file: Path, settings: Any) -> None:
    settings.GOVSITE_EXECUTION_FILE = ""
    ran = run("check_routes")
    assert ran.code == 0
    assert rows_of(ran, "Search") == [["Search", "all", "client", "-", "-", "-"]]
    assert "GOVSITE_EXECUTION_FILE is not set" in ran.err


def test_scope__that_is_not_registered__is_named(file: Path) -> None:
    write(file, PROGRAM.replace('"Search"', '"Serach", "Search"'))
    ran = run("check_routes")
    assert ran.code == 0
    assert "A route names Serach, which is not registered." in ran.err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (PROGRAM.replace("command", "comand"), "route[0].handler: is not a known handler"),
        (PROGRAM.replace("/bin/true", "/bin/absent"), "route[0].options.argv[0]: must be"),
        (PROGRAM.replace("argv", "args"), "route[0].options.argv: is required"),
        ("[[route]", "The routes are not valid TOML"),
    ],
)
def test_file__with_a_fault__is_refused_with_its_path(file: Path, text: str, words: str) -> None:
    write(file, text)
    ran = run("check_routes")
    assert (ran.code, ran.out) == (1, "")
    assert words in ran.err
    assert ran.err.endswith("(invalid_routes)\n")


def test_file__unreadable_or_open_to_others__is_refused(file: Path) -> None:
    assert run("check_routes").err.endswith("(unreadable_file)\n")
    write(file, PROGRAM)
    file.chmod(0o666)
    ran = run("check_routes")
    assert ran.code == 1
    assert "may be written by its group or by others" in ran.err


def make_narrow_handler(options: OptionTable, secrets: SecretFiles) -> StepHandler:
    class NarrowHandler:
        step_types = ("capability_enable",)

        def run_step(self, step: Step) -> StepOutcome:
            raise NotImplementedError

    for name in ("argv", "user"):
        options.holds(name, "")
    return NarrowHandler()


def test_observer__that_cannot_be_made__is_an_obstacle(file: Path) -> None:
    write(file, PROGRAM.replace("{repository}", "/absent"))
    ran = run("check_routes")
    assert ran.code == 1
    assert (
        "obstacle: observer git: route[0].observer_options.repository: must be the folder of a "
        "bare repository" in ran.out
    )


def test_handler__not_installed__is_an_obstacle(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(file, PROGRAM)
    monkeypatch.setattr(
        check_routes,
        "worker_handlers",
        lambda: RoutedHandlers(site_routes(), {}, SecretFiles(None)),
    )
    ran = run("check_routes")
    assert ran.code == 1
    assert "obstacle: command is not installed on this machine" in ran.out
    write(file, PROGRAM.replace("Search", "Elsewhere"))
    assert run("check_routes").code == 1


def test_handler__that_serves_other_types__is_an_obstacle(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(file, PROGRAM)
    monkeypatch.setattr(
        check_routes,
        "worker_handlers",
        lambda: RoutedHandlers(site_routes(), {"command": make_narrow_handler}, SecretFiles(None)),
    )
    ran = run("check_routes")
    assert ran.code == 1
    assert "obstacle: command does not serve parameter_change" in ran.out
    assert "capability_enable" not in ran.out.split("obstacle", 1)[1]


def test_deployment_check__of_the_file__warns_while_it_cannot_be_used(file: Path) -> None:
    [warning] = check_routes_file()
    assert warning.id == "governance.W003"
    assert "routes.toml: cannot be read" in warning.msg
    write(file, PROGRAM)
    assert check_routes_file() == []


def test_deployment_check__of_an_observer_that_cannot_be_used__warns(file: Path) -> None:
    write(file, PROGRAM.replace("{repository}", "/absent"))
    [warning] = check_routes_file()
    assert warning.id == "governance.W004"
    assert "The observer git cannot be used on this machine: route[0]" in warning.msg


# --- a job ---
def test_job__that_a_worker_would_run__says_so_and_is_left_as_it_is(
    users: Users, file: Path
) -> None:
    write(file, PROGRAM)
    job = pending_job(users)
    with nothing_written():
        ran = run("check_routes", job.pk)
    assert ran.code == 0, ran.out
    first = ran.out.splitlines()[1].split()
    assert first == ["1", "capability_enable", "Search", "command", "git", "-", "route[0]"]
    assert ran.out.endswith("A worker would run this job now.\n")
    document = run("check_routes", job.pk, "--json").json()
    assert (document["would_run"], document["obstacles"], document["run_by"]) == (
        True,
        [],
        "worker",
    )
    assert [step["step_index"] for step in document["steps"]] == [0, 1, 2]


def test_job__left_to_clients__has_obstacles(users: Users, file: Path) -> None:
    write(file, CLIENT + PROGRAM)
    ran = run("check_routes", pending_job(users).pk)
    assert ran.code == 1
    assert "obstacle: Its activation left the job to executors over HTTP." in ran.out
    assert "obstacle: No handler serves step 3, parameter_change on Search." in ran.out
    assert ran.out.endswith("A worker would leave this job alone.\n")


def test_job__running_already__has_an_obstacle(users: Users, file: Path) -> None:
    write(file, "")
    document = run("check_routes", running_job(users).job.pk, "--json").json()
    assert "The job is RUNNING; a worker starts a PENDING one." in document["obstacles"]
    assert not document["would_run"]


def test_job__whose_handler_has_an_open_breaker__has_an_obstacle(users: Users, file: Path) -> None:
    write(file, PROGRAM)
    job = pending_job(users)
    opened("http")
    assert run("check_routes", job.pk).code == 0
    opened("command")
    assert "obstacle: The circuit breaker of command is open." in run("check_routes", job.pk).out


def test_job__that_waits_for_a_freeze_or_another_job__has_obstacles(
    users: Users, file: Path
) -> None:
    write(file, "")
    other = running_job(users).job
    write(file, PROGRAM)
    job = pending_job(users)
    busy = f"The job of {other.contract.reference} runs, and affects Search too."
    assert run("check_routes", job.pk, "--json").json()["obstacles"] == [busy]
    assert not any("runs, and affects" in one for one in obstacles_of(other))
    freeze = frozen(users)
    ends = timestamp(freeze.ends_at)
    assert obstacles_of(job) == [f"Changes are frozen until {ends}: {freeze.reason}", busy]


def obstacles_of(job: GovernanceJob) -> list[str]:
    obstacles: list[str] = run("check_routes", job.pk, "--json").json()["obstacles"]
    return obstacles


def test_job__absent__is_refused(file: Path) -> None:
    write(file, "")
    ran = run("check_routes", uuid4())
    assert ran.code == 1
    assert ran.err.endswith("(job_not_found)\n")
