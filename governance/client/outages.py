"""The log of outages: within two seconds it says that a site does not answer."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

logger = logging.getLogger(__name__)

# Early enough that a command that has just started still says it within two seconds.
SILENCE_SECONDS = 0.7
# One attempt can fail by chance, as when a server closes a connection.
MAX_FAILED_ATTEMPTS = 1


class OutageLog:
    """A log with one line when a site stops answering, and one when it answers again.

    The connections of a process share it, so that an outage is logged once; it is thread-safe.
    """

    def __init__(self, log: Callable[[str], None] = logger.warning) -> None:
        self._log = log
        self._lock = threading.Lock()
        self._is_outage = False

    @contextmanager
    def watch(self, host: str) -> Iterator[Callable[[str], None]]:
        """Watch a call with all its attempts, and log it if a second attempt fails or it lasts.

        Yields the function to call after each failed attempt, with what went wrong. A timer runs in
        a thread of its own, because an attempt can wait long for a response.
        """
        failed: list[str] = []

        def note_trouble(trouble: str) -> None:
            failed.append(trouble)
            if len(failed) > MAX_FAILED_ATTEMPTS:
                self._begin(host, trouble)

        def note_silence() -> None:
            self._begin(host, failed[-1] if failed else "the response is not there yet")

        timer = threading.Timer(SILENCE_SECONDS, note_silence)
        timer.daemon = True
        timer.start()
        try:
            yield note_trouble
        finally:
            timer.cancel()

    def end(self, host: str) -> None:
        """Note that the site answered; if it had not before, log that it does again."""
        with self._lock:
            was_outage, self._is_outage = self._is_outage, False
            if was_outage:
                self._log(f"{host} answers again")

    def _begin(self, host: str, trouble: str) -> None:
        with self._lock:
            if not self._is_outage:
                self._is_outage = True
                self._log(f"{host} does not answer, and is asked again: {trouble}")
