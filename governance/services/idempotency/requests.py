"""Running an idempotent request: once, with the same response for each repetition.

The request's writes and its stored response are one transaction: after a crash, both exist or
neither does. A repetition gets the stored response, or runs as if it were the first. While the
first attempt runs, a repetition is refused.

The transaction opens around the flow. Until the flow writes, it holds only the advisory lock of the
request, so no row stays locked during a health reading.
"""

from __future__ import annotations

from collections.abc import Callable

from governance.db.transactions import retried, write_transaction
from governance.domain.errors import GovernanceError
from governance.services.idempotency.stored_responses import (
    IdempotentRequest,
    StoredResponse,
    lock_request,
    store_response,
)


class _RefusedError(Exception):
    """A refusal of the work itself, which rolled the transaction back."""

    def __init__(self, refusal: GovernanceError) -> None:
        super().__init__()
        self.refusal = refusal


def run_idempotent_request(
    request: IdempotentRequest,
    work: Callable[[], StoredResponse],
    *,
    refused: Callable[[GovernanceError], StoredResponse],
) -> tuple[StoredResponse, bool]:
    """Run `work` once for a request; return its response and whether it is a stored one.

    An exception of `work` rolls everything back. A refusal is stored in a transaction of its own.

    Args:
        refused: makes the response that is stored for a refusal of `work`, or raises the refusal
            again, if the request can be repeated.

    Raises:
        RequestInProgressError: the first attempt is still running.
        KeyReusedError: the key was used for another request.
        ResponseLostError: the stored response cannot be decrypted.
    """
    try:
        return _run(request, work)
    except _RefusedError as error:
        response = refused(error.refusal)
    return _run(request, lambda: response)


@retried
def _run(
    request: IdempotentRequest, work: Callable[[], StoredResponse]
) -> tuple[StoredResponse, bool]:
    with write_transaction():
        if stored := lock_request(request):
            return stored, True
        try:
            response = work()
        except GovernanceError as refusal:
            raise _RefusedError(refusal) from refusal
        store_response(request, response)
    return response, False


def run_idempotent_parts(
    request: IdempotentRequest, work: Callable[[], tuple[StoredResponse, bool]]
) -> tuple[StoredResponse, bool]:
    """Run a request that consists of several transactions; otherwise like `run_idempotent_request`.

    `work` runs each transaction by `run_idempotent_request` as a part of the request
    (`IdempotentRequest.part`), so a repetition after a crash continues where the first attempt
    ended. Parts that are done stay done when `work` raises.

    Args:
        work: returns the response and whether it is final; only a final response is stored.
    """
    if stored := _begin(request):
        return stored, True
    response, is_final = work()
    return _run(request, lambda: response) if is_final else (response, False)


@retried
def _begin(request: IdempotentRequest) -> StoredResponse | None:
    with write_transaction():
        stored = lock_request(request)
        if stored is None:
            store_response(request, None)
    return stored
