"""Handlers that workers of tests find by entry points, as those of an installed package."""

from __future__ import annotations

import os
import sys
import time
from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from governance.authorities.executor.options import OptionTable
from governance.authorities.executor.secret_files import SecretFiles
from governance.authorities.executor.steps import Step, StepOutcome, StepRefused
from governance.domain.changes import CHANGE_TYPES
from governance.flows.registry_steps import RegistryHandler
from tests.support.routing import routes_file

STEP_SECONDS = 0.3
REASON = "The target does not want this step."
HALF_DONE = "The half of it, before the refusal."
# The effects by job: the indexes of the steps that wrote this word, in their order.
Effects = dict[str, list[int]]


class JournalHandler:
    """A handler whose target is a file: each step writes a line at its beginning and its end."""

    step_types: Collection[str] = CHANGE_TYPES

    def __init__(self, journal: Path) -> None:
        self._journal = journal

    def run_step(self, step: Step) -> StepOutcome:
        self._write("begun", step)
        time.sleep(STEP_SECONDS)
        self._write("ended", step)
        return StepOutcome(did="A line in the journal.")

    def _write(self, word: str, step: Step) -> None:
        # A single write in append mode is atomic, so lines of several processes do not mix.
        handle = os.open(self._journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, f"{word} {step.job_id} {step.step_index}\n".encode())
        finally:
            os.close(handle)


class RefusingHandler(RegistryHandler):
    """A handler of the registry that refuses the steps in a file, after the half of each."""

    def __init__(self, refused: Path) -> None:
        self._refused = frozenset(refused.read_text().splitlines())

    def run_step(self, step: Step) -> StepOutcome:
        outcome = super().run_step(step)
        if f"{step.contract_id} {step.step_index}" in self._refused:
            raise StepRefused(REASON, outcome=replace(outcome, did=HALF_DONE))
        return outcome


def make_journal_handler(options: OptionTable, secrets: SecretFiles) -> JournalHandler:
    return JournalHandler(Path(options.text("file")))


def make_refusing_handler(options: OptionTable, secrets: SecretFiles) -> RefusingHandler:
    return RefusingHandler(Path(options.text("file")))


@contextmanager
def announced(name: str, file: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """Announce the handler `name`, `journal` or `refusing`, which gets all steps and this file.

    Yields:
        The routes file, and the environment in which a worker finds the handler.
    """
    route = f'[[route]]\nscopes = "*"\nchange_types = "*"\nhandler = "{name}"\n'
    with (
        TemporaryDirectory() as folder,
        routes_file(f'{route}options = {{file = "{file}"}}\n') as routes,
    ):
        package = Path(folder) / "tests_handlers-1.dist-info"
        package.mkdir()
        (package / "METADATA").write_text(
            "Metadata-Version: 2.1\nName: tests-handlers\nVersion: 1\n"
        )
        (package / "entry_points.txt").write_text(
            f"[govsite.handlers]\n{name} = {__name__}:make_{name}_handler\n"
        )
        # This process activates the jobs, so it reads the routes too.
        sys.path.insert(0, folder)
        try:
            yield routes, {"PYTHONPATH": folder}
        finally:
            sys.path.remove(folder)


def effects_in(journal: Path, word: str) -> Effects:
    """Return the steps of each job that wrote `word`, in their order."""
    effects: Effects = defaultdict(list)
    for line in journal.read_text().splitlines() if journal.exists() else []:
        written, job_id, index = line.split()
        if written == word:
            effects[job_id].append(int(index))
    return effects
