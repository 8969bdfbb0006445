"""Look, all the while that others work, whether one of them waits for another."""

from __future__ import annotations

import threading
from types import TracebackType

from tests.benchmarks.database import owner_session

SAMPLE_INTERVAL_SECONDS = 0.002
# Who waits for a file to grow waits for nobody's row.
_WAITING = """
    SELECT count(*) FROM pg_stat_activity
     WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event <> 'extend'
"""


class Watch:
    """`samples` taken at this database's sessions while it is open, and in how many one `waits`."""

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
