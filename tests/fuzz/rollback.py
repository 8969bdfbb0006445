"""The application with a rollback after each request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction

from tests.support.attacks import check_deferred_triggers


@contextmanager
def kept_connections() -> Iterator[None]:
    """Keep Django from closing the connection, whose transaction is open, around each request."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in signals:
            signal.connect(close_old_connections)


@dataclass
class RollbackApplication:
    """A WSGI application that rolls back the transaction of each request.

    An accepted request must pass the deferred triggers first, as at a commit. `answers` counts the
    responses by status. `advance` is called with 1 after each request.
    """

    application: Any
    advance: Callable[[int], Any] = lambda count: None
    answers: Counter[int] = field(default_factory=Counter)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        status, is_stream = 0, False

        def started(line: str, headers: Any, *rest: Any) -> Any:
            nonlocal status, is_stream
            status = int(line.split(" ", 1)[0])
            is_stream = dict(headers).get("Content-Type", "").startswith("text/event-stream")
            return start_response(line, headers, *rest)

        with transaction.atomic():
            answer = self.application(environ, started)
            try:
                body = list(islice(answer, 1) if is_stream else answer)  # a stream may never end
            finally:
                if close := getattr(answer, "close", None):
                    close()
            if status < 400:
                check_deferred_triggers()
            transaction.set_rollback(True)
        self.answers[status] += 1
        self.advance(1)
        return body
