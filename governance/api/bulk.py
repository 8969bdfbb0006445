"""Bulk calls: each item is a transaction of its own and has an outcome of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from governance.api.idempotency import call_of, refusal_to_store
from governance.api.problems import problem_response
from governance.domain.errors import GovernanceError, RequestInProgressError
from governance.domain.strict_json import load_strict_json
from governance.services.idempotency.requests import run_idempotent_request
from governance.services.idempotency.stored_responses import IdempotentRequest, StoredResponse

OutcomeDocument = dict[str, Any]


def outcomes_of(
    request: Request, ids: Iterable[UUID], move: Callable[[UUID], OutcomeDocument]
) -> list[OutcomeDocument]:
    """Return the outcome of `move` for each id, in order; a refusal becomes its problem document.

    With an `Idempotency-Key`, each id is a part of the call with a stored response of its own: an
    id that was finished before the call was interrupted keeps its outcome and is not done again.

    Raises:
        RequestInProgressError: the same call is running for one of the ids.
    """
    call = call_of(request)
    return [_outcome(call, item_id, move) for item_id in ids]


def _outcome(
    call: IdempotentRequest | None, item_id: UUID, move: Callable[[UUID], OutcomeDocument]
) -> OutcomeDocument:
    try:
        if call is None:
            return move(item_id)
        answer, _ = run_idempotent_request(
            call.part(str(item_id)),
            lambda: _as_stored_response(move(item_id)),
            refused=lambda error: _as_stored_response(_error_outcome(refusal_to_store(error))),
        )
    except RequestInProgressError:
        raise
    except GovernanceError as error:
        return _error_outcome(problem_response(error, {}))
    stored: OutcomeDocument = load_strict_json(answer.body)
    return stored


def _error_outcome(problem: HttpResponse) -> OutcomeDocument:
    document = load_strict_json(problem.content)
    return {"status": document["status"], "problem": document}


def _as_stored_response(outcome: OutcomeDocument) -> StoredResponse:
    return StoredResponse(outcome["status"], {}, JSONRenderer().render(outcome))
