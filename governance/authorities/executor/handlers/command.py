"""The handler `command`: runs a program of this machine, with the step as JSON on its input."""

from __future__ import annotations

from governance.authorities.executor.handlers.program import (
    REFUSED,
    Program,
    ProgramOutput,
    read_program,
)
from governance.authorities.executor.handlers.step_documents import read_outcome, step_document
from governance.authorities.executor.options import OptionTable
from governance.authorities.executor.secret_files import SecretFiles
from governance.authorities.executor.steps import (
    HandlerFault,
    Step,
    StepHandler,
    StepOutcome,
    StepRefused,
)
from governance.domain.changes import CHANGE_TYPES


class CommandHandler:
    """A handler that runs the program of its route for each step."""

    step_types = CHANGE_TYPES

    def __init__(self, program: Program) -> None:
        self._program = program

    def run_step(self, step: Step) -> StepOutcome:
        """Run the program, and read what it did.

        Raises:
            StepRefused: the program ended with the exit code of a refusal.
            HandlerFault: it ended with another code than 0, wrote too much or what cannot be read,
                or did not end in time.
        """

        def is_over() -> bool:
            return step.timed_out.is_set() or step.seconds_left() <= 0

        output = self._program.run(step_document(step), is_over=is_over)
        return _outcome(output, step, self._program.name)


def make_command_handler(options: OptionTable, secrets: SecretFiles) -> StepHandler:
    """Make the handler from its options, which docs/routes.md lists.

    Raises:
        InvalidRoutesError: with the path of the option that is wrong.
    """
    return CommandHandler(read_program(options))


def _outcome(output: ProgramOutput, step: Step, program: str) -> StepOutcome:
    """Return the outcome that a program reported.

    Raises:
        StepRefused: for the exit code of a refusal.
        HandlerFault: for any other code than 0, and for what cannot be read.
    """
    if output.code == REFUSED and not output.killed_because:
        raise StepRefused(output.words or f"{program} refused the step and gave no reason.")
    if trouble := output.trouble(program):
        raise HandlerFault(trouble)
    return read_outcome(bytes(output.answer), step, did=f"ran {program}")
