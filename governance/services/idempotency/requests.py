"""Running an idempotent request: once, with the same response for each repetition.

The request's writes and its stored response are one transaction: after a crash, both exist or
neither does. A repetition gets the stored response, or runs as if it were the first. While the
first attempt runs, a repetition is refused.

The transaction opens around the flow. Until the flow opens its own, it holds only the advisory lock
of the request, so no row stays locked during a health reading.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from governance.db.transactions import retried, write_transaction
from governance.services.freezes.guards import freeze_error_details
from governance.services.idempotency.stored_responses import (
    IdempotentRequest,
    StoredResponse,
    lock_request,
    store_final_response,
    store_response,
    store_start,
    stored_response,
)


def run_idempotent_request(
    request: IdempotentRequest, work: Callable[[], StoredResponse], *, at: datetime
) -> tuple[StoredResponse, bool]:
    """Run `work` once for a request; return its response and whether it is a stored one.

    An exception of `work` rolls everything back and stores nothing, so the request can be repeated.
    A refusal that is to be stored must be returned as a response.

    Raises:
        RequestInProgressError: the first attempt is still running.
        KeyReusedError: the key was used for another request.
        ResponseLostError: the stored response cannot be decrypted.
    """
    with freeze_error_details(at):
        return _run_idempotent_request(request, work, at)


@retried
def _run_idempotent_request(
    request: IdempotentRequest, work: Callable[[], StoredResponse], at: datetime
) -> tuple[StoredResponse, bool]:
    with write_transaction():
        if (stored := lock_request(request, at=at)) and (
            response := stored_response(request, stored)
        ):
            return response, True
        response = work()
        store_response(request, response, at=at)
    return response, False


def run_idempotent_parts(
    request: IdempotentRequest, work: Callable[[], tuple[StoredResponse, bool]], *, at: datetime
) -> tuple[StoredResponse, bool]:
    """Run a request that consists of several transactions; otherwise like `run_idempotent_request`.

    `work` runs each transaction by `run_idempotent_request` as a part of the request
    (`IdempotentRequest.part`), so a repetition after a crash continues where the first attempt
    ended. Parts that are done stay done when `work` raises.

    Args:
        work: returns the response and whether it is final; only a final response is stored.
    """
    if (stored := _begin(request, at)) is not None:
        return stored, True
    response, is_final = work()
    return _end(request, response, at) if is_final else (response, False)


@retried
def _begin(request: IdempotentRequest, at: datetime) -> StoredResponse | None:
    with write_transaction():
        if stored := lock_request(request, at=at):
            return stored_response(request, stored)
        store_start(request, at=at)
    return None


@retried
def _end(
    request: IdempotentRequest, response: StoredResponse, at: datetime
) -> tuple[StoredResponse, bool]:
    with write_transaction():
        stored = lock_request(request, at=at)
        if stored and (earlier := stored_response(request, stored)):
            return earlier, True
        store_final_response(request, response)
    return response, False
