"""Database connections that notice when the server falls silent.

A server that is gone refuses or hangs up, and everybody notices. One that is paused, or whose
machine stands still, does neither: no time limit of the server's own fires there, the network keeps
its word for it, and whoever waits would wait for ever. So we ask it by another door.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import TupleRow
from psycopg.waiting import Ready

# After so many seconds without a word we ask whether anybody is there; then we wait this long.
SILENCE_SECONDS = 2.0
ANSWER_SECONDS = 2


class WatchfulConnection(psycopg.Connection[TupleRow]):
    """A connection that gives up, with OperationalError, when its server answers nobody.

    A statement may take as long as PostgreSQL lets it: as long as the server answers a new
    connection, with a refusal even, we wait on.
    """

    def wait(self, gen: Any, *args: Any, **options: Any) -> Any:
        return super().wait(self._while_answered(gen), *args, **options)

    def _while_answered(self, gen: Any) -> Generator[Any, Any, Any]:
        """`gen`, which psycopg wakes several times a second while the server is silent."""
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
                        raise psycopg.OperationalError("the server has fallen silent")
                    last_answer_at = time.monotonic()
                wanted = gen.send(ready)
        except StopIteration as done:
            return done.value

    def _server_answers(self) -> bool:
        try:
            # Without our password: that it wants one is an answer too.
            psycopg.connect(make_conninfo(self.info.dsn, connect_timeout=ANSWER_SECONDS)).close()
        except psycopg.errors.ConnectionTimeout:
            return False
        except psycopg.OperationalError:
            return True
        return True
