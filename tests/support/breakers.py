"""Circuit breakers of tests, in the state in which a test begins."""

from __future__ import annotations

from uuid import UUID

from governance.models import HandlerBreaker
from governance.models.fields import new_id
from governance.services.breakers.operations import close_breaker, record_run
from tests.support.users import Users

HANDLER = "registry"
REASON = "The handler was mended and tested."


def breaker_of(handler: str = HANDLER) -> HandlerBreaker:
    return HandlerBreaker.objects.get(handler=handler)


def faulted(handler: str = HANDLER, *, times: int = 1, job_id: UUID | None = None) -> None:
    """Record runs in which the handler was at fault."""
    for _ in range(times):
        record_run(
            handlers=[handler],
            job_id=job_id or new_id(),
            faulty=handler,
            fault="KeyError: 'page_size'",
        )


def opened(handler: str = HANDLER) -> HandlerBreaker:
    faulted(handler, times=2)
    return breaker_of(handler)


def closed(users: Users, handler: str = HANDLER) -> HandlerBreaker:
    """Let an operator close the open breaker of a handler."""
    return close_breaker(handler=handler, reason=REASON, actor=users.operator)
