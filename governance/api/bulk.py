"""Many at once: each thing is a transaction of its own, and the answer has an outcome for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from governance.api.idempotency import call_of, is_final
from governance.api.problems import problem_response
from governance.flows.answered_once import answer_once
from governance.flows.kept_answers import Answer, Call
from governance.vocabulary.canonical import load_strict_json
from governance.vocabulary.errors import GovernanceError, RequestInProgressError

Outcome = dict[str, Any]


def outcome_for_each(
    view: Any, request: Request, ids: Iterable[UUID], move: Callable[[UUID], Outcome]
) -> list[Outcome]:
    """What `move` answers for each id, in order, or the problem document that refused it.

    Under an `Idempotency-Key` each is a part of the call: one that was done before the call was
    cut is not done again, and has the outcome that it had. RequestInProgressError if the same call
    is at one of them at this moment.
    """
    call = call_of(request)
    return [_outcome(call, one, move, view) for one in ids]


def _outcome(call: Call | None, one: UUID, move: Callable[[UUID], Outcome], view: Any) -> Outcome:
    try:
        if call is None:
            return move(one)
        answer, _ = answer_once(
            call.part(str(one)), lambda: _as_answer(_settled(one, move)), at=view.now()
        )
    except RequestInProgressError:
        raise
    except GovernanceError as refusal:
        return _refused(refusal)
    kept: Outcome = load_strict_json(answer.body)
    return kept


def _settled(one: UUID, move: Callable[[UUID], Outcome]) -> Outcome:
    """The outcome for good; a refusal that may pass later is raised."""
    try:
        return move(one)
    except GovernanceError as refusal:
        if not is_final(refusal):
            raise
        return _refused(refusal)


def _refused(refusal: GovernanceError) -> Outcome:
    document = load_strict_json(problem_response(refusal, {}).content)
    return {"status": document["status"], "problem": document}


def _as_answer(outcome: Outcome) -> Answer:
    return Answer(outcome["status"], {}, JSONRenderer().render(outcome))
