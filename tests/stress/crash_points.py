"""Middleware that kills the web process at the crash point that a header of the request names.

The product has no crash points. When the site starts, some of its functions are wrapped here, so
that the process can kill itself with SIGKILL just after one of them, within a transaction.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from governance.authorities.audit import verdicts
from governance.authorities.orchestrator import activation, job_state, step_results, tracking
from governance.authorities.orchestrator.evidence import AuditTrigger
from governance.models import StepResult, SystemContract
from governance.models.contract import ContractQuerySet
from governance.models.job import JobQuerySet
from governance.record.ledger import chain

HEADER = "X-Crash-At"
# The variable with the path of the crash log: each killed process writes its crash point there.
CRASH_LOG = "STRESS_CRASH_LOG"
# The SQL functions that write, ledger entries included.
WRITING = (
    "governance_activate_contract",
    "governance_append_entries",
    "governance_end_job",
    "governance_record_step_results",
    "governance_start_job",
)

_request = threading.local()


class CrashMiddleware:
    """The outermost middleware, so that it can also crash while it sends the response."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        install_crash_points()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        _request.point, _request.has_written = request.headers.get(HEADER), False
        response = self.get_response(request)
        if _request.point != "answer":
            return response
        return StreamingHttpResponse(
            half_of(response.content), status=response.status_code, headers=response.headers
        )


def half_of(content: bytes) -> Iterator[bytes]:
    yield content[: len(content) // 2]
    crash_if_requested("answer")


def crash_if_requested(point: str) -> None:
    if getattr(_request, "point", None) == point:
        with open(os.environ[CRASH_LOG], "a") as file:
            file.write(f"{point}\n")
        os.kill(os.getpid(), signal.SIGKILL)


def install_crash_points() -> None:
    """Wrap the functions at all crash points; called once, in the process that is forked."""
    crash_after(ContractQuerySet, "lock", "lock")
    crash_after(JobQuerySet, "lock", "lock")
    crash_after(job_state, "_read", "lock")
    crash_after(activation, "_require_activatable", "guard")
    crash_after(step_results, "require_due", "guard")
    crash_after(verdicts, "require_independent", "guard")
    crash_after(activation, "snapshot_of", "snapshot")
    crash_after(tracking, "snapshot_of", "snapshot")
    crash_after(SystemContract, "save", "contract")
    crash_after(StepResult, "as_record", "result")
    AuditTrigger.seal_evidence = staticmethod(  # type: ignore[method-assign]
        crashing(AuditTrigger.seal_evidence, "evidence")
    )
    for module in (activation, step_results, tracking, chain):
        setattr(module, "fetch_rows", crashing_call(module.fetch_rows))  # noqa: B010
    commit = BaseDatabaseWrapper.commit

    def crashing_commit(self: BaseDatabaseWrapper) -> None:
        # Reading health commits too; only the transaction with ledger entries counts.
        if getattr(_request, "has_written", False):
            crash_if_requested("commit")
        commit(self)
        if getattr(_request, "has_written", False):
            crash_if_requested("committed")

    BaseDatabaseWrapper.commit = crashing_commit  # type: ignore[method-assign]


def crashing_call(call: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a call of a writing SQL function: a transaction of its own, unless it is within one."""

    @wraps(call)
    def wrapped(*args: Any) -> Any:
        if not any(f"{name}(" in args[0] for name in WRITING):
            return call(*args)
        _request.has_written = True
        if connection.in_atomic_block:
            rows = call(*args)
            crash_if_requested("entries")
            return rows
        crash_if_requested("entries")
        crash_if_requested("commit")
        rows = call(*args)
        crash_if_requested("committed")
        return rows

    return wrapped


def crash_after(owner: Any, name: str, point: str) -> None:
    setattr(owner, name, crashing(getattr(owner, name), point))


def crashing(function: Callable[..., Any], point: str) -> Callable[..., Any]:
    @wraps(function)
    def wrapped(*args: Any, **options: Any) -> Any:
        outcome = function(*args, **options)
        crash_if_requested(point)
        return outcome

    return wrapped
