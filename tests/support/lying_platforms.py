"""Small real platforms that a handler changes and an observer reads, and that lie as a test says.

Each is what it says to its observer: an HTTP server, a git repository, or a file that programs
read. What happens in a step, and what is reported of it, is decided by the test.
"""

from __future__ import annotations

import json
import os
import socket
import tempfile
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from governance.authorities.executor.handlers.git import make_git_handler
from governance.authorities.executor.options import OptionTable
from governance.authorities.executor.secret_files import SecretFiles
from governance.authorities.executor.steps import Step, StepHandler, StepOutcome
from tests.support.repositories import FILE, BareRepository, bare_repository
from tests.support.steps import write_secret
from tests.support.targets import FakeTarget, answer, fake_target

USER = 'user = "nobody"\n' if os.geteuid() == 0 else "max_processes = 4096\n"
Platform = Mapping[str, Mapping[str, Any]]


@dataclass
class Lie:
    """What a platform holds after the step, and the report; None is an honest handler."""

    platform: Platform | None = None
    report: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class LyingPlatform:
    """A platform by the tables of its handler and its observer in a routes file."""

    handler: str
    options: str
    observer_options: str
    set_state: Callable[[Platform], None]

    def routes(self, *, handler: str = "") -> str:
        """Return a routes file that lets a handler, by default its own, serve all steps."""
        name = handler or self.handler
        options = f"[route.options]\n{self.options}" if name == self.handler else ""
        return (
            f'[[route]]\nscopes = "*"\nchange_types = "*"\nhandler = "{name}"\n'
            f'observer = "{self.handler}"\n{options}'
            f"[route.observer_options]\n{self.observer_options}"
        )


@contextmanager
def http_platform(begin: Platform, lie: Lie, folder: Path) -> Iterator[LyingPlatform]:
    """Serve a platform over HTTP: `/state` says what it holds, `/steps` takes a step and lies."""
    write_secret(folder, "hook", "whsec_" + b64encode(b"k" * 32).decode())
    held = {"platform": begin}
    served: list[FakeTarget] = []

    def answering(connection: socket.socket) -> None:
        if served[0].paths[-1] == "/steps":
            held["platform"] = lie.platform or begin
            answer("200 OK", lie.report)(connection)
        else:
            answer("200 OK", states_of(held["platform"]))(connection)

    with fake_target(answering) as target:
        served.append(target)
        yield LyingPlatform(
            "http",
            f'url = "{target.url}"\nsecret = "secret://hook"\nallow_private = true\n',
            f'url = "http://127.0.0.1:{target.port}/state"\nallow_private = true\n',
            lambda platform: held.update(platform=platform),
        )


@contextmanager
def command_platform(begin: Platform, lie: Lie, folder: Path) -> Iterator[LyingPlatform]:
    """Keep a platform in a file, which a program changes and lies about, and another one prints."""
    # The programs run as another account, which cannot read the folders of pytest.
    with tempfile.TemporaryDirectory() as name:
        shared = Path(name)
        shared.chmod(0o777)

        def put(file: str, document: Any) -> None:
            path = shared / file
            path.write_text(json.dumps(document))
            path.chmod(0o666)

        put("state", states_of(begin))
        put("after", states_of(lie.platform or begin))
        put("report", lie.report)
        step = f"cat {shared}/after > {shared}/state; cat {shared}/report"
        yield LyingPlatform(
            "command",
            f'argv = ["/bin/sh", "-c", "{step}"]\n{USER}',
            f'argv = ["/bin/cat", "{shared}/state"]\n{USER}',
            lambda platform: put("state", states_of(platform)),
        )


@contextmanager
def git_platform(begin: Platform, lie: Lie, folder: Path) -> Iterator[LyingPlatform]:
    """Keep a platform in a git repository; a lie is a commit of the handler's own choice."""
    repository = bare_repository(folder, begin)
    options = f'repository = "{repository.path}"\nfile = "{FILE}"\n'

    def put(platform: Platform) -> None:
        write_platform(repository, platform)

    LyingGitHandler.lie, LyingGitHandler.put = lie, staticmethod(put)
    yield LyingPlatform("git", options, options, put)


class LyingGitHandler:
    """A handler that commits what the lie says, and reports it so."""

    lie: Lie
    put: Callable[[Platform], None]

    def __init__(self, honest: StepHandler) -> None:
        self._honest = honest
        self.step_types = honest.step_types

    def run_step(self, step: Step) -> StepOutcome:
        if self.lie.report is None:
            return self._honest.run_step(step)
        if self.lie.platform is not None:
            type(self).put(self.lie.platform)
        rollback = self.lie.report.get("rollback_action", step.rollback_action)
        return StepOutcome(**{**self.lie.report, "rollback_action": rollback})


def make_lying_git_handler(options: OptionTable, secrets: SecretFiles) -> LyingGitHandler:
    return LyingGitHandler(make_git_handler(options, secrets))


def write_platform(repository: BareRepository, platform: Platform) -> None:
    """Commit a whole platform by hand, on top of the newest commit."""
    content = json.dumps(platform, ensure_ascii=False, indent=2) + "\n"
    if repository.document() != platform:
        repository.person_writes(content)


def states_of(platform: Platform) -> dict[str, Any]:
    """Return the states of all scopes as an observer answers them."""
    return {
        scope: {
            "lifecycle": values.get("lifecycle", "DISABLED"),
            "configuration": {key: one for key, one in values.items() if key != "lifecycle"},
        }
        for scope, values in platform.items()
    }


PLATFORMS: Mapping[str, Callable[[Platform, Lie, Path], AbstractContextManager[LyingPlatform]]] = {
    "http": http_platform,
    "git": git_platform,
    "command": command_platform,
}
