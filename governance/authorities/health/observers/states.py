"""The states that observers return: how an answer is read, and which state is one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from governance.authorities.executor.handlers.step_documents import MAX_ANSWER_BYTES
from governance.authorities.health.observers.observer import CannotObserve
from governance.domain.errors import InvalidInputError
from governance.domain.observations import CONFIGURATION, LIFECYCLE, empty_state
from governance.domain.strict_json import load_strict_json, require_plain_json
from governance.domain.values import Lifecycle

MAX_STATE_BYTES = 256 * 1024


def read_answer(answer: bytes) -> Mapping[str, Any]:
    """Read the JSON object that a target answered.

    Raises:
        CannotObserve: it is no JSON object.
    """
    try:
        document = load_strict_json(answer, largest=MAX_ANSWER_BYTES)
    except InvalidInputError as error:
        raise CannotObserve(f"The answer cannot be read. {error}") from None
    if not isinstance(document, Mapping):
        raise CannotObserve("The answer cannot be read: it is not a JSON object.")
    return document


def checked_state(scope: str, state: Any) -> dict[str, Any]:
    """Return a state as it is recorded: `null` is no value, and SYSTEM has no lifecycle.

    Raises:
        CannotObserve: it is no state, or is larger than 256 KiB.
    """
    if not isinstance(state, Mapping):
        raise CannotObserve("The answer for this scope is not an object.")
    expected = set(empty_state(scope))
    if wrong := sorted(map(str, expected ^ set(state))):
        fault = "has no" if wrong[0] in expected else "has an unknown field"
        raise CannotObserve(f"The answer for this scope {fault} {wrong[0]!r}.")
    if LIFECYCLE in state and state[LIFECYCLE] not in list(Lifecycle):
        raise CannotObserve(f"Its lifecycle is not one of {', '.join(Lifecycle)}.")
    values = state[CONFIGURATION]
    if not isinstance(values, Mapping):
        raise CannotObserve("Its configuration is not an object.")
    read = {**state, CONFIGURATION: {k: v for k, v in values.items() if v is not None}}
    try:
        require_plain_json(read)
    except InvalidInputError as error:
        raise CannotObserve(f"Its state cannot be recorded. {error}") from None
    if len(json.dumps(read, ensure_ascii=False).encode()) > MAX_STATE_BYTES:
        raise CannotObserve("Its state is larger than 256 KiB.")
    return read
