"""Many at once: each thing is a transaction of its own, and the answer has an outcome for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from governance.api.idempotency import call_of, is_final
from governance.api.problems import problem_response
from governance.domain.canonical import load_strict_json
from governance.domain.errors import GovernanceError, RequestInProgressError
from governance.services.idempotency.requests import run_idempotent_request
from governance.services.idempotency.stored_responses import IdempotentRequest, StoredResponse

OutcomeDocument = dict[str, Any]


def outcomes_of(
    view: Any, request: Request, ids: Iterable[UUID], move: Callable[[UUID], OutcomeDocument]
) -> list[OutcomeDocument]:
    """What `move` answers for each id, in order, or the problem document that refused it.

    Under an `Idempotency-Key` each is a part of the call: one that was done before the call was
    cut is not done again, and has the outcome that it had. RequestInProgressError if the same call
    is at one of them at this moment.
    """
    call = call_of(request)
    return [_outcome(call, item_id, move, view) for item_id in ids]


def _outcome(
    call: IdempotentRequest | None,
    item_id: UUID,
    move: Callable[[UUID], OutcomeDocument],
    view: Any,
) -> OutcomeDocument:
    try:
        if call is None:
            return move(item_id)
        answer, _ = run_idempotent_request(
            call.part(str(item_id)),
            lambda: _as_stored_response(_final_outcome(item_id, move)),
            at=view.now(),
        )
    except RequestInProgressError:
        raise
    except GovernanceError as error:
        return _error_outcome(error)
    stored: OutcomeDocument = load_strict_json(answer.body)
    return stored


def _final_outcome(item_id: UUID, move: Callable[[UUID], OutcomeDocument]) -> OutcomeDocument:
    """The outcome for good; a refusal that may pass later is raised."""
    try:
        return move(item_id)
    except GovernanceError as error:
        if not is_final(error):
            raise
        return _error_outcome(error)


def _error_outcome(error: GovernanceError) -> OutcomeDocument:
    document = load_strict_json(problem_response(error, {}).content)
    return {"status": document["status"], "problem": document}


def _as_stored_response(outcome: OutcomeDocument) -> StoredResponse:
    return StoredResponse(outcome["status"], {}, JSONRenderer().render(outcome))
