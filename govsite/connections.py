"""Database connections that detect a server that stopped answering.

A stopped server refuses or closes a connection. A paused server does neither: its own time limits
do not run, the kernel keeps the connection open, and a client would wait for ever. So a waiting
connection tests the server with a second connection.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow
from psycopg.waiting import Ready

# The time without data after which the server is tested, and the time limit of the test.
SILENCE_SECONDS = 2.0
ANSWER_SECONDS = 2


class WatchfulConnection(psycopg.Connection[TupleRow]):
    """A connection that raises OperationalError when its server does not answer new connections.

    A statement may take as long as PostgreSQL lets it: while the server answers a new connection,
    even with a refusal, this one waits.
    """

    def wait(self, gen: Any, *args: Any, **options: Any) -> Any:
        return super().wait(self._while_answered(gen), *args, **options)

    def _while_answered(self, gen: Any) -> Generator[Any, Any, Any]:
        """Run `gen`, which psycopg resumes several times per second without data, and test."""
        last_answer_at = time.monotonic()
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                now = time.monotonic()
                if ready != Ready.NONE:
                    last_answer_at = now
                elif now - last_answer_at > SILENCE_SECONDS:
                    if not self._server_answers():
                        self.pgconn.finish()
                        raise psycopg.OperationalError("the server does not answer")
                    last_answer_at = time.monotonic()
                wanted = gen.send(ready)
        except StopIteration as done:
            return done.value

    def _server_answers(self) -> bool:
        try:
            # Without the password: a server that asks for one has answered.
            psycopg.connect(make_conninfo(self.info.dsn, connect_timeout=ANSWER_SECONDS)).close()
        except psycopg.errors.ConnectionTimeout:
            return False
        except psycopg.OperationalError:
            return True
        return True
