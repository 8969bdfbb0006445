"""The log of outages: within two seconds it says that a site does not answer."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

logger = logging.getLogger(__name__)

# Early enough that a command that has just started still says it within two seconds.
SILENCE_SECONDS = 1.0


class CallInProgress:
    """A call that is being made; `trouble` is why its last attempt was not answered."""

    def __init__(self) -> None:
        self.trouble = "no response yet"

    def note_trouble(self, trouble: str) -> None:
        self.trouble = trouble


class OutageLog:
    """A log with one line when a site stops answering, and one when it answers again.

    The connections of a process share it, so that an outage is logged once; it is thread-safe.
    """

    def __init__(self, log: Callable[[str], None] = logger.warning) -> None:
        self._log = log
        self._lock = threading.Lock()
        self._is_outage = False

    @contextmanager
    def watch(self, host: str) -> Iterator[CallInProgress]:
        """Watch a call with all its attempts; log it if it lasts longer than `SILENCE_SECONDS`.

        The timer runs in a thread of its own, because an attempt can wait long for a response.
        """
        call = CallInProgress()
        timer = threading.Timer(SILENCE_SECONDS, self._begin, (host, call))
        timer.daemon = True
        timer.start()
        try:
            yield call
        finally:
            timer.cancel()

    def end(self, host: str) -> None:
        """Note that the site answered; if it had not before, log that it does again."""
        with self._lock:
            was_outage, self._is_outage = self._is_outage, False
            if was_outage:
                self._log(f"{host} answers again")

    def _begin(self, host: str, call: CallInProgress) -> None:
        with self._lock:
            if not self._is_outage:
                self._is_outage = True
                self._log(f"{host} does not answer, and is asked again: {call.trouble}")
