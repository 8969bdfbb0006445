"""The attack: one request for each payload and field, and the check of each response."""

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
    """A wrong response to a payload; the message names the field, the payload and the fault."""


@dataclass(frozen=True)
class Field:
    """One value that a client can write.

    `send` makes a request in which everything but this value is valid. `judge` returns what is
    wrong with the response, or "".
    """

    name: str
    send: Callable[[Payload], Any]
    judge: Callable[[Payload, Any], str] = lambda payload, answer: ""


@dataclass
class Tally:
    """The number of fields, the payloads that were sent, and the responses by class of status."""

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
    """Attack each field.

    What is accepted must pass the deferred triggers, and is then rolled back. What is refused must
    leave no trace.

    Args:
        payloads: How many payloads each field gets (different ones for each); None means all.
        advance: Called after each request; a payload that went into every field counts 1.

    Raises:
        HostileInputError: A response is wrong.
    """
    for turn, target in enumerate(fields):
        tally.fields += 1
        with nothing_written():
            for payload in some_payloads(everything, payloads, turn):
                tally.sent.add(payload.name)
                tally.answers[_attack(target, payload)] += 1
                advance(1 / len(fields))


def _attack(target: Field, payload: Payload) -> str:
    """Make one request and check the response; return the class of its status, such as `2xx`."""
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
    # A form that is shown again contains the payload, which escapes make up to six times longer.
    if len(getattr(answer, "content", b"")) > 1_000_000 + 6 * len(payload.raw):
        return f"an answer of {len(answer.content)} bytes"
    if answer.status_code >= 400 and b"Traceback (most recent" in answer.content:
        return "an answer with a traceback"
    return ""
