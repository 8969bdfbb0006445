"""Handlers of the tests' executors; paths come from the environment of their process."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from governance.client import Step, StepOutcome

NOTES = "TEST_NOTES"  # a file: one line for each step that was begun
# A named pipe: each byte lets one step go on, and its end all that wait there.
GATE = "TEST_GATE"
AT_GATE = "at the gate\n"


class NoteSteps:
    """Writes down each step as it begins it, and does nothing else."""

    step_types = (
        "capability_enable",
        "capability_disable",
        "configuration_update",
        "parameter_change",
    )

    def run_step(self, step: Step) -> StepOutcome:
        note(step)
        return StepOutcome(did={"applied": dict(step.change)})


class WaitAtGate(NoteSteps):
    """Notes the step, says so on standard output, and is in the middle of it at the gate."""

    def run_step(self, step: Step) -> StepOutcome:
        outcome = super().run_step(step)
        sys.stdout.write(AT_GATE)
        sys.stdout.flush()
        with open(os.environ[GATE], "rb", buffering=0) as gate:
            gate.read(1)
        return outcome


def note(step: Step) -> None:
    # One write to a file that is appended to: lines of several processes do not mix.
    handle = os.open(os.environ[NOTES], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, f"{os.getpid()} {step.job_id} {step.step_index}\n".encode())
    finally:
        os.close(handle)


def noted(file: Path) -> list[tuple[int, str, int]]:
    """Who began which step of which job, in the order of beginning."""
    lines = [line.split() for line in file.read_text().splitlines()] if file.exists() else []
    return [(int(pid), job_id, int(index)) for pid, job_id, index in lines]
