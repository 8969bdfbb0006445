"""Samples of lock waits, taken while other processes work."""

from __future__ import annotations

import threading
from types import TracebackType

from tests.benchmarks.database import owner_session

SAMPLE_INTERVAL_SECONDS = 0.002
# Waits for the extension of a file are left out: they are not for another session's row.
_WAITING = """
    SELECT count(*) FROM pg_stat_activity
     WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event <> 'extend'
"""


class Watch:
    """A sampler of this database's sessions: the number of `samples`, and of those with `waits`."""

    def __init__(self) -> None:
        self.samples = self.waits = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def _sample(self) -> None:
        with owner_session() as session:
            while not self._over.wait(SAMPLE_INTERVAL_SECONDS):
                row = session.execute(_WAITING).fetchone()
                self.samples += 1
                self.waits += bool(row and row[0])
