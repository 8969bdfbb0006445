"""The flow of a handler's fault: its circuit breakers, and a notice when one opens."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from governance.db.transactions import retried, write_transaction
from governance.flows.notify import notify_of_open_breaker
from governance.services.breakers.operations import record_run


@retried
def record_fault(
    *, handlers: Collection[str], faulty: str, fault: str, job_id: UUID, contract_id: UUID
) -> None:
    """Record a run in which the handler `faulty` was at fault; one transaction.

    If that stops the handler, the operators are notified.

    Args:
        handlers: the names of the handlers that performed a step.
        fault: what went wrong, in words without secrets.
    """
    with write_transaction():
        opened = record_run(handlers=handlers, job_id=job_id, faulty=faulty, fault=fault)
        if opened is not None:
            notify_of_open_breaker(opened, contract_id=contract_id)
