"""`Idempotency-Key`: a repeated POST returns the stored response of the first one.

Stored are the responses of calls that were carried out: a success, or a refusal because of the
current state (403, 404, 409, 412). Not stored are refusals before the call was carried out (400,
401, 403 without the permission, 405, 411, 415, 429), and errors after which the same call may
succeed (`busy`, `request_in_progress`, 5xx).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial, wraps
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api.conditions import require_if_match, versions_named_in
from governance.api.errors import InvalidIdempotencyKeyError
from governance.api.problems import problem_response
from governance.db.transactions import retried, write_transaction
from governance.domain.canonical import digest
from governance.domain.errors import (
    BusyError,
    GovernanceError,
    InvalidInputError,
    RequestInProgressError,
)
from governance.record.ledger.versions import Subject
from governance.services.idempotency.requests import run_idempotent_parts, run_idempotent_request
from governance.services.idempotency.stored_responses import IdempotentRequest, StoredResponse

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
_KEY = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
_STORED_HEADERS = ("Content-Type", "ETag")
# These depend on the body or on concurrent calls, so the same key may succeed later.
_UNSTORED_ERRORS = (InvalidInputError, BusyError, RequestInProgressError)

Action = Callable[..., HttpResponse]
Work = Callable[[], HttpResponse]


def idempotent(subject: Subject | None = None) -> Callable[[Action], Action]:
    """Decorate an action that writes in one transaction, about one `subject` or none.

    The decorated action checks `If-Match` and runs once for each `Idempotency-Key`.
    """

    def decorate(action: Action) -> Action:
        @wraps(action)
        def carry_out(view: Any, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
            call = call_of(request)
            work: Work = partial(action, view, request, *args, **kwargs)
            if versions_named_in(request, "If-Match") is not None:
                work = _with_if_match(work, request, subject, kwargs.get("pk"))
            if call is None:
                return work()
            answer, is_replayed = run_idempotent_request(
                call,
                lambda: _rendered(view, request, work()),
                refused=lambda error: _rendered(view, request, refusal_to_store(error)),
            )
            return _as_response(answer, is_replayed=is_replayed)

        carry_out.is_idempotent = True  # type: ignore[attr-defined]
        return carry_out

    return decorate


def idempotent_in_parts(action: Callable[..., Response]) -> Action:
    """Decorate an action that runs several transactions and returns their outcomes in `results`.

    Each transaction is a part of the call with a stored response of its own (`bulk.py`). The
    response of the whole call is stored once no outcome is a 5xx.
    """

    @wraps(action)
    def carry_out(view: Any, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        call = call_of(request)
        require_if_match(request, None, None)
        work = partial(action, view, request, *args, **kwargs)
        if call is None:
            return work()

        def all_parts() -> tuple[StoredResponse, bool]:
            response = work()
            is_final = all(outcome["status"] < 500 for outcome in response.data["results"])
            return _rendered(view, request, response), is_final

        answer, is_replayed = run_idempotent_parts(call, all_parts)
        return _as_response(answer, is_replayed=is_replayed)

    carry_out.is_idempotent = True  # type: ignore[attr-defined]
    return carry_out


def call_of(request: Request) -> IdempotentRequest | None:
    """Identify the call by its key and a digest of account, token rights, path and body.

    Returns None for a request without an `Idempotency-Key`. The digest covers the token's verbs and
    capabilities, so that a token with other rights never gets the stored response. It does not
    cover the token itself, which may be rotated in between.

    Raises:
        InvalidInputError: `invalid_idempotency_key`, or what the parser of the body raises.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise InvalidIdempotencyKeyError.at(HEADER, "must be 1 to 255 visible ASCII characters")
    identity = {
        "user": request.user.pk,
        "verbs": getattr(request.auth, "verbs", None),
        "capabilities": getattr(request.auth, "capabilities", None),
        "path": request.path,
        "body": request.data,
    }
    return IdempotentRequest(key, digest(identity))


def refusal_to_store(error: GovernanceError) -> HttpResponse:
    """Return the response of a refusal that is stored, because the same call is refused again.

    Raises:
        GovernanceError: the error itself, if the same call may succeed later.
    """
    if isinstance(error, _UNSTORED_ERRORS):
        raise error
    return problem_response(error, {})


def _with_if_match(work: Work, request: Request, subject: Subject | None, pk: UUID | None) -> Work:
    @retried
    def locked() -> HttpResponse:
        with write_transaction():
            require_if_match(request, subject, pk)
            return work()

    return locked


def _rendered(view: Any, request: Request, response: HttpResponse) -> StoredResponse:
    if isinstance(response, Response):
        response = view.finalize_response(request, response).render()
    headers = {name: response[name] for name in _STORED_HEADERS if name in response}
    return StoredResponse(response.status_code, headers, response.content)


def _as_response(answer: StoredResponse, *, is_replayed: bool) -> HttpResponse:
    response = HttpResponse(answer.body, status=answer.status, headers=dict(answer.headers))
    if "Content-Type" not in answer.headers:
        del response["Content-Type"]  # 204 has no body, so it has no media type
    if is_replayed:
        response.headers[REPLAYED] = "true"
    return response
