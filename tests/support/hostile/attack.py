"""Send payloads into fields, one request each, and judge every answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from tests.support.attacks import check_deferred_triggers, nothing_written
from tests.support.hostile.payloads import Payload, some_payloads

Advance = Callable[[float], Any]


class HostileInputError(AssertionError):
    """Some payload got through, or was refused wrongly: which, where, and how."""


@dataclass(frozen=True)
class Field:
    """A place that a client writes.

    `send` makes one request in which everything but this place is valid; `judge` says what is
    wrong with its answer, or "".
    """

    name: str
    send: Callable[[Payload], Any]
    judge: Callable[[Payload, Any], str] = lambda payload, answer: ""


@dataclass
class Tally:
    """How many requests were made, which payloads were in them, and how they were answered."""

    fields: int = 0
    sent: set[str] = field(default_factory=set)
    answers: Counter[str] = field(default_factory=Counter)


def attack_fields(
    fields: Sequence[Field],
    everything: Sequence[Payload],
    *,
    payloads: int | None,
    tally: Tally,
    advance: Advance = lambda count: None,
) -> None:
    """Each field with `payloads` of them (None: all), other ones for each field.

    `advance` is told 1 for each payload that went into every field, in small parts.
    What is accepted must pass every law that a commit asks, and is then undone. What is refused
    must leave no trace. Raises HostileInputError at the first answer that is wrong.
    """
    for turn, target in enumerate(fields):
        tally.fields += 1
        with nothing_written():
            for payload in some_payloads(everything, payloads, turn):
                tally.sent.add(payload.name)
                tally.answers[_attack(target, payload)] += 1
                advance(1 / len(fields))


def _attack(target: Field, payload: Payload) -> str:
    """The class of the answer's status: `2xx` and so on."""
    with transaction.atomic():
        try:
            answer = target.send(payload)
            if answer.status_code < 400:
                check_deferred_triggers()
            fault = _unfit(payload, answer) or target.judge(payload, answer)
        except Exception as error:
            raise HostileInputError(f"{target.name}, {payload.name}: {error!r}") from error
        if fault:
            raise HostileInputError(f"{target.name}, {payload.name}: {fault}")
        if answer.status_code < 400:
            transaction.set_rollback(True)
    return f"{answer.status_code // 100}xx"


def _unfit(payload: Payload, answer: Any) -> str:
    if answer.status_code >= 500:
        cause = getattr(answer, "exc_info", None)
        return f"{answer.status_code} {cause[1]!r:.300}" if cause else f"{answer.status_code}"
    # Escaped, a letter of a form that is shown again may take six.
    if len(getattr(answer, "content", b"")) > 1_000_000 + 6 * len(payload.raw):
        return f"an answer of {len(answer.content)} bytes"
    if answer.status_code >= 400 and b"Traceback (most recent" in answer.content:
        return "an answer with a traceback"
    return ""
