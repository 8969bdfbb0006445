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
    """(what `work` answers, False), or (the answer kept of this call, True).

    What `work` raises undoes everything and is kept nowhere: the call may be sent again. A refusal
    that shall be kept is an answer. Raises RequestInProgressError and KeyReusedError.
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
    """As `run_idempotent_request`, for a call that is made of several stories, each a transaction.

    `work` runs each by `run_idempotent_request` as part of the call, so that whoever sends the call
    again after a crash goes on where it ended. It says whether its answer is final: one that is
    not is given, but not kept. Raises what `run_idempotent_request` raises; parts done by then
    stay done.
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
