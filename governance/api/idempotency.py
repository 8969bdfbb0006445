"""`Idempotency-Key`: a call that writes may be sent again, and is answered as it was.

Kept are answers that came of trying: success, and refusals by what stands there (403, 404, 409,
412). What was refused before anything was tried (400, 401, 403 without the permission, 405, 411,
415, 429), and what may pass when it is sent again (`busy`, 5xx), is kept nowhere.
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
# The body or the moment is at fault: the same call may well succeed later.
_UNSTORED_ERRORS = (InvalidInputError, BusyError, RequestInProgressError)

Action = Callable[..., HttpResponse]
Work = Callable[[], HttpResponse]


def idempotent(subject: Subject | None = None) -> Callable[[Action], Action]:
    """Decorate an action that writes, in one story, about one `subject` or none.

    Holds it to `If-Match` and carries it out once for each `Idempotency-Key`.
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
                call, lambda: _final_response(view, request, work), at=view.now()
            )
            return _as_response(answer, is_replayed=is_replayed)

        carry_out.is_idempotent = True  # type: ignore[attr-defined]
        return carry_out

    return decorate


def idempotent_in_parts(action: Callable[..., Response]) -> Action:
    """Decorate an action that answers with `results`, an outcome of each of several stories.

    Each story is a `part` of the call (`bulk.py`). The whole is kept once every outcome is final.
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

        answer, is_replayed = run_idempotent_parts(call, all_parts, at=view.now())
        return _as_response(answer, is_replayed=is_replayed)

    carry_out.is_idempotent = True  # type: ignore[attr-defined]
    return carry_out


def call_of(request: Request) -> IdempotentRequest | None:
    """The call by its key, None without one: who, where, and which JSON value as its body.

    What the token may do and reach belongs to it: an answer is for nobody who may see less. The
    token itself does not, for it may be another one by then.

    Raises InvalidInputError (`invalid_idempotency_key`), and what reading the body raises.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise InvalidInputError.at(
            HEADER, "must be 1 to 255 visible ASCII characters", code="invalid_idempotency_key"
        )
    identity = {
        "user": request.user.pk,
        "verbs": getattr(request.auth, "verbs", None),
        "capabilities": getattr(request.auth, "capabilities", None),
        "path": request.path,
        "body": request.data,
    }
    return IdempotentRequest(key, digest(identity))


def is_final(error: GovernanceError) -> bool:
    """Whether the same call is refused alike for good, as far as its key reaches."""
    return not isinstance(error, _UNSTORED_ERRORS)


def _with_if_match(work: Work, request: Request, subject: Subject | None, pk: UUID | None) -> Work:
    @retried
    def locked() -> HttpResponse:
        with write_transaction():
            require_if_match(request, subject, pk)
            return work()

    return locked


def _final_response(view: Any, request: Request, work: Work) -> StoredResponse:
    """What the call is answered for good; what is not for good is raised."""
    try:
        response = work()
    except GovernanceError as error:
        if not is_final(error):
            raise
        response = problem_response(error, {})
    return _rendered(view, request, response)


def _rendered(view: Any, request: Request, response: HttpResponse) -> StoredResponse:
    if isinstance(response, Response):
        response = view.finalize_response(request, response).render()
    headers = {name: response[name] for name in _STORED_HEADERS if name in response}
    return StoredResponse(response.status_code, headers, response.content)


def _as_response(answer: StoredResponse, *, is_replayed: bool) -> HttpResponse:
    response = HttpResponse(answer.body, status=answer.status, headers=dict(answer.headers))
    if "Content-Type" not in answer.headers:
        del response["Content-Type"]  # 204 has no body to be of any type
    if is_replayed:
        response.headers[REPLAYED] = "true"
    return response
