"""The JSON that handlers send to a target about a step, and the JSON that it answers with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from governance.authorities.executor.steps import HandlerFault, Step, StepOutcome
from governance.domain.canonical import timestamp
from governance.domain.errors import InvalidInputError
from governance.domain.strict_json import load_strict_json
from governance.domain.texts import cut_text

MAX_ANSWER_BYTES = 1024 * 1024
_FIELDS = ("did", "state_before", "state_after", "rollback_action")


def step_document(step: Step) -> dict[str, Any]:
    """Return the step as JSON; `deadline` is the time after which nobody waits for an answer."""
    return {
        "job_id": step.job_id,
        "contract_id": step.contract_id,
        "step_index": step.step_index,
        "step_type": step.step_type,
        "target": step.target,
        "change": step.change,
        "rollback_action": step.rollback_action,
        "timeout_seconds": step.timeout_seconds,
        "deadline": timestamp(step.deadline),
    }


def read_outcome(answer: bytes, step: Step, *, did: str) -> StepOutcome:
    """Read the answer of a target about a step that it has done.

    The answer is a JSON object with `state_before` and `state_after`; it may have `did`, which
    otherwise is the argument, and `rollback_action`, which otherwise is the plan's.

    Raises:
        HandlerFault: the answer cannot be read.
    """
    try:
        document = load_strict_json(answer, largest=MAX_ANSWER_BYTES)
    except InvalidInputError as error:
        raise HandlerFault(f"The answer cannot be read. {error}") from None
    if not isinstance(document, Mapping):
        raise HandlerFault("The answer cannot be read: it is not a JSON object.")
    if missing := [name for name in ("state_before", "state_after") if name not in document]:
        raise HandlerFault(f"The answer cannot be read: it has no {' and no '.join(missing)}.")
    if unknown := sorted(set(document) - set(_FIELDS)):
        raise HandlerFault(f"The answer cannot be read: it has an unknown field {unknown[0]!r}.")
    rollback = document.get("rollback_action", step.rollback_action)
    if rollback is not None and not isinstance(rollback, Mapping):
        raise HandlerFault("The answer cannot be read: its rollback_action is not an object.")
    return StepOutcome(
        did=document.get("did", did),
        state_before=document["state_before"],
        state_after=document["state_after"],
        rollback_action=rollback,
    )


def words_of(answer: bytes, *, longest: int = 1000) -> str:
    """Return the beginning of an answer in one line, to be quoted in an error."""
    words = " ".join(answer[: 4 * longest].decode(errors="replace").split())
    return cut_text(words, longest)
