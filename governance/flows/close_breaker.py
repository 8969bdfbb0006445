"""The flow by which an operator lets a stopped handler run jobs again."""

from __future__ import annotations

from governance.authorities.orchestrator.queries import enqueue_waiting_runs
from governance.db.transactions import retried, write_transaction
from governance.models import Account, HandlerBreaker
from governance.services.breakers.operations import close_breaker


@retried
def let_handler_run_again(*, handler: str, reason: str, actor: Account) -> HandlerBreaker:
    """Close the breaker of a handler, and enqueue the jobs that wait, so that one tries at once.

    Raises:
        GovernanceError: any error of `close_breaker`.
    """
    with write_transaction():
        breaker = close_breaker(handler=handler, reason=reason, actor=actor)
        enqueue_waiting_runs()
    return breaker
