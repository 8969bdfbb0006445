"""The observer `command`: runs a program of this machine, which prints the states as JSON."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from governance.authorities.executor.handlers.program import REFUSED, Program, read_program
from governance.authorities.executor.options import OptionTable
from governance.authorities.executor.secret_files import SecretFiles
from governance.authorities.health.observers.observer import CannotObserve, ScopeToObserve
from governance.authorities.health.observers.states import read_answer


class CommandObserver:
    """An observer that runs the program of its route."""

    def __init__(self, program: Program) -> None:
        self._program = program

    def observe(
        self, scopes: Sequence[ScopeToObserve], *, seconds: float
    ) -> Mapping[str, Mapping[str, Any]]:
        """Return the states that the program printed.

        Raises:
            CannotObserve: the program ended with another code than 0, wrote too much or what
                cannot be read, or did not end in time.
        """
        ends_at = time.monotonic() + seconds
        output = self._program.run(
            {"scopes": [one.scope for one in scopes]},
            is_over=lambda: time.monotonic() >= ends_at,
        )
        if output.code == REFUSED and not output.killed_because and output.words:
            raise CannotObserve(output.words)
        if trouble := output.trouble(self._program.name):
            raise CannotObserve(trouble)
        return read_answer(bytes(output.answer))


def make_command_observer(options: OptionTable, secrets: SecretFiles) -> CommandObserver:
    """Make the observer from its options, which docs/observers.md lists.

    Raises:
        InvalidRoutesError: with the path of the option that is wrong.
    """
    return CommandObserver(read_program(options))
