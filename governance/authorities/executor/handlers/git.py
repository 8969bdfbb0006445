"""The handler `git`: one commit that changes one JSON file on a branch of a repository.

The file is {scope: {key: value}}. A step is refused if the file has other values than the plan was
made with. If the branch moves while the step runs, the step is applied to the new tip, provided
that its values there are still the same; nobody's commit is lost. Secrets stay references in the
file, because a repository keeps what was once in it.
"""

from __future__ import annotations

import json
import random
from typing import Any

from governance.authorities.executor.handlers.git_source import GitSource, read_git_source
from governance.authorities.executor.handlers.platform_document import (
    Document,
    Values,
    are_equal,
    expected_values,
    present_values,
    shown_values,
    values_of,
    with_values,
)
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

MAX_ATTEMPTS = 50
MAX_PAUSE_SECONDS = 0.2


class GitHandler:
    """A handler that commits each step to a file on a branch."""

    step_types = CHANGE_TYPES
    resolves_secrets = False

    def __init__(self, source: GitSource) -> None:
        self._source = source

    def run_step(self, step: Step) -> StepOutcome:
        """Commit the step, on the newest tip of the branch.

        Raises:
            StepRefused: the file has other values than the plan was made with, or cannot be used.
            HandlerFault: the branch moved too often, or the time is over.
            Exception: the repository cannot be read or written.
        """
        source = self._source
        branch = source.open(seconds=step.seconds_left())
        wanted = values_of(step.change)
        before = expected_values(step)
        for _ in range(MAX_ATTEMPTS):
            tip = branch.read()
            document = source.document_of(tip)
            found = present_values(document, step.target, wanted)
            before = found if before is None else before
            if not are_equal(found, before):
                raise StepRefused(_conflict(step, found, before))
            if are_equal(found, wanted):
                return _outcome(step, found, wanted, "nothing to commit: the file has this value")
            content = _serialized(with_values(document, step.target, wanted))
            _require_time(step)
            if commit := branch.push(tip, content, _message(step, wanted)):
                return _outcome(step, found, wanted, f"committed {commit} on {source.branch}")
            step.timed_out.wait(random.uniform(0, MAX_PAUSE_SECONDS))  # noqa: S311
            _require_time(step)
        raise HandlerFault(f"The branch moved {MAX_ATTEMPTS} times; nothing was committed.")


def make_git_handler(options: OptionTable, secrets: SecretFiles) -> StepHandler:
    """Make the handler from the options `repository`, `branch`, `file` and `credentials`.

    Raises:
        InvalidRoutesError: with the path of the option that is wrong.
        UnusableSecretError: the credentials cannot be read.
    """
    return GitHandler(read_git_source(options, secrets))


def _serialized(document: Document) -> bytes:
    return (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()


def _require_time(step: Step) -> None:
    """Refuse to commit for a step that counts as failed already."""
    if step.timed_out.is_set() or step.seconds_left() <= 0:
        raise HandlerFault("The time of the step is over; nothing was committed.")


def _conflict(step: Step, found: Values, before: Values) -> str:
    return (
        f"Conflict: the file has {shown_values(found)} in {step.target}, but the step was planned "
        f"with {shown_values(before)}. Nothing was committed."
    )


def _message(step: Step, wanted: Values) -> str:
    return (
        f"Set {shown_values(wanted)} in {step.target}\n\n"
        f"Contract: {step.contract_id}\nJob: {step.job_id}\nStep: {step.step_index + 1}\n"
    )


def _outcome(step: Step, before: Values, after: dict[str, Any], did: str) -> StepOutcome:
    return StepOutcome(
        did=did,
        state_before=dict(before),
        state_after=after,
        rollback_action=step.rollback_action,
    )
