"""Step handlers of the executors that tests start as processes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from governance.client import Step, StepOutcome

NOTES = "TEST_NOTES"  # the variable with the path of a file: one line for each begun step
# The variable with the path of a named pipe: each byte releases one step, its end releases all.
GATE = "TEST_GATE"
AT_GATE = "at the gate\n"


class NoteSteps:
    """A handler that writes each step into the file NOTES and does nothing else."""

    step_types = (
        "capability_enable",
        "capability_disable",
        "configuration_update",
        "parameter_change",
    )

    def run_step(self, step: Step) -> StepOutcome:
        note(step)
        return StepOutcome(did={"applied": dict(step.change)})


class CrashAlways(NoteSteps):
    """A handler with a bug: it notes each step and raises an exception."""

    def run_step(self, step: Step) -> StepOutcome:
        super().run_step(step)
        raise KeyError("page_size")


class WaitAtGate(NoteSteps):
    """A handler that notes the step, prints AT_GATE, and waits until a byte comes from GATE."""

    def run_step(self, step: Step) -> StepOutcome:
        outcome = super().run_step(step)
        sys.stdout.write(AT_GATE)
        sys.stdout.flush()
        with open(os.environ[GATE], "rb", buffering=0) as gate:
            gate.read(1)
        return outcome


def note(step: Step) -> None:
    # A single write in append mode is atomic, so lines of several processes do not mix.
    handle = os.open(os.environ[NOTES], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, f"{os.getpid()} {step.job_id} {step.step_index}\n".encode())
    finally:
        os.close(handle)


def noted(file: Path) -> list[tuple[int, str, int]]:
    """Return (process id, job id, step index) of each begun step, in the order of beginning."""
    lines = [line.split() for line in file.read_text().splitlines()] if file.exists() else []
    return [(int(pid), job_id, int(index)) for pid, job_id, index in lines]
