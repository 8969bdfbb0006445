"""A call that a client may send again is carried out once, and answered alike each time.

What the call did and what it was answered are one transaction: after a crash either both are there
or neither is. Whoever sends it again gets the kept answer, or carries it out as if for the first
time; while it is being carried out, whoever else sends it is told so.

The transaction opens around the flow. Until the flow opens its own story it holds nothing but the
lock of this call: no row waits for a health reading.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from governance.flows.freeze_line import saying_why_it_is_frozen
from governance.flows.kept_answers import (
    Answer,
    Call,
    answer_of,
    keep_answer,
    keep_beginning,
    keep_end,
    lock_call,
)
from governance.ledger.story import retried, story


def answer_once(call: Call, work: Callable[[], Answer], *, at: datetime) -> tuple[Answer, bool]:
    """(what `work` answers, False), or (the answer kept of this call, True).

    What `work` raises undoes everything and is kept nowhere: the call may be sent again. A refusal
    that shall be kept is an answer. Raises RequestInProgressError and KeyReusedError.
    """
    with saying_why_it_is_frozen(at):
        return _answer_once(call, work, at)


@retried
def _answer_once(call: Call, work: Callable[[], Answer], at: datetime) -> tuple[Answer, bool]:
    with story():
        if (kept := lock_call(call, at=at)) and (answer := answer_of(call, kept)):
            return answer, True
        answer = work()
        keep_answer(call, answer, at=at)
    return answer, False


def answer_in_parts(
    call: Call, work: Callable[[], tuple[Answer, bool]], *, at: datetime
) -> tuple[Answer, bool]:
    """As `answer_once`, for a call that is made of several stories, each a transaction.

    `work` carries each out by `answer_once` as a part of the call, so that whoever sends the call
    again after a crash goes on where it ended. It says whether its answer is final: one that is
    not is given, but not kept. Raises what `answer_once` raises; the parts that are done by then
    stay done.
    """
    if (kept := _begin(call, at)) is not None:
        return kept, True
    answer, is_final = work()
    return _end(call, answer, at) if is_final else (answer, False)


@retried
def _begin(call: Call, at: datetime) -> Answer | None:
    with story():
        if kept := lock_call(call, at=at):
            return answer_of(call, kept)
        keep_beginning(call, at=at)
    return None


@retried
def _end(call: Call, answer: Answer, at: datetime) -> tuple[Answer, bool]:
    with story():
        kept = lock_call(call, at=at)
        if kept and (earlier := answer_of(call, kept)):
            return earlier, True
        keep_end(call, answer)
    return answer, False
