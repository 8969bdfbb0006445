"""Middleware that makes a site mortal: a web process kills itself at the place a request names.

The product has no such places. When the site starts, its own functions are wrapped here, so that
a process can be killed with SIGKILL just after any of them, in the middle of a transaction.
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
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from governance.audit import verdicts
from governance.models import LedgerEntry, SystemContract
from governance.models.contract import ContractQuerySet
from governance.models.job import JobQuerySet
from governance.orchestrator import activation, recording, standing, tracking, writing
from governance.orchestrator.evidence import AuditTrigger

HEADER = "X-Die-At"
# Where the dying write down where they die, each in a line.
OBITUARIES = "TORTURE_OBITUARIES"

_request = threading.local()


class Mortal:
    """Outermost, so that it sees the answer as it leaves."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        make_mortal()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        _request.point, _request.has_told = request.headers.get(HEADER), False
        response = self.get_response(request)
        if _request.point != "answer":
            return response
        return StreamingHttpResponse(
            half_of(response.content), status=response.status_code, headers=response.headers
        )


def half_of(content: bytes) -> Iterator[bytes]:
    yield content[: len(content) // 2]
    die_if_asked("answer")


def die_if_asked(point: str) -> None:
    if getattr(_request, "point", None) == point:
        with open(os.environ[OBITUARIES], "a") as file:
            file.write(f"{point}\n")
        os.kill(os.getpid(), signal.SIGKILL)


def make_mortal() -> None:
    """Wrap every place, once for each process tree."""
    dies_after(ContractQuerySet, "lock", "lock")
    dies_after(JobQuerySet, "lock", "lock")
    dies_after(standing, "_read", "lock")
    dies_after(activation, "_require_activatable", "guard")
    dies_after(recording, "require_due", "guard")
    dies_after(verdicts, "_require_independent", "guard")
    dies_after(activation, "snapshot_of", "snapshot")
    dies_after(tracking, "snapshot_of", "snapshot")
    dies_after(SystemContract, "save", "contract")
    dies_after(recording, "_result", "result")
    AuditTrigger.seal_evidence = staticmethod(  # type: ignore[method-assign]
        dying(AuditTrigger.seal_evidence, "evidence")
    )
    dies_after(QuerySet, "bulk_create", "entries", when=of(LedgerEntry))
    for module in (activation, recording, writing):
        setattr(module, "prepared_rows", mortal_call(module.prepared_rows))  # noqa: B010
    commit = BaseDatabaseWrapper.commit

    def mortal_commit(self: BaseDatabaseWrapper) -> None:
        # A health reading commits too; what counts is the story that has told the ledger.
        if getattr(_request, "has_told", False):
            die_if_asked("commit")
        commit(self)
        if getattr(_request, "has_told", False):
            die_if_asked("committed")

    BaseDatabaseWrapper.commit = mortal_commit  # type: ignore[method-assign]


def mortal_call(call: Callable[..., Any]) -> Callable[..., Any]:
    """The one call that writes a story: its own transaction, unless it is within another."""

    @wraps(call)
    def wrapped(*args: Any) -> Any:
        _request.has_told = True
        if connection.in_atomic_block:
            rows = call(*args)
            die_if_asked("entries")
            return rows
        die_if_asked("entries")
        die_if_asked("commit")
        rows = call(*args)
        die_if_asked("committed")
        return rows

    return wrapped


def dies_after(
    owner: Any, name: str, point: str, when: Callable[..., bool] = lambda *_, **__: True
) -> None:
    setattr(owner, name, dying(getattr(owner, name), point, when))


def dying(
    place: Callable[..., Any], point: str, when: Callable[..., bool] = lambda *_, **__: True
) -> Callable[..., Any]:
    @wraps(place)
    def wrapped(*args: Any, **options: Any) -> Any:
        outcome = place(*args, **options)
        if when(*args, **options):
            if point == "entries":
                _request.has_told = True
            die_if_asked(point)
        return outcome

    return wrapped


def of(model: type[Any]) -> Callable[..., bool]:
    return lambda queryset, *_, **__: queryset.model is model
