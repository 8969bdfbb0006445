"""The circuit breaker of an executor over HTTP, in the memory of its process."""

from __future__ import annotations

import threading

from governance.domain.breaker import BreakerState, after_run, may_begin


class ExecutorBreaker:
    """The circuit breaker of one handler. The executors of a process share it; it is thread-safe.

    An executor is admitted before it claims a job, and counts until it says how the run ended.
    Nobody closes the breaker once it is open: start the process again after the handler is mended.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state = BreakerState.CLOSED
        self._running = 0

    @property
    def state(self) -> BreakerState:
        return self._state

    @property
    def is_open(self) -> bool:
        return self._state is BreakerState.OPEN

    def admit(self) -> bool:
        """Return whether one more job may be claimed now; then it counts as running."""
        with self._lock:
            is_admitted = may_begin(self._state, running=self._running)
            self._running += is_admitted
            return is_admitted

    def end(self, *, is_fault: bool | None) -> BreakerState:
        """Stop counting a run that was admitted, and return the state that follows.

        Args:
            is_fault: whether the handler was at fault; None if the run does not show it, because
                no job was claimed, the handler was not called, or the job was lost.
        """
        with self._lock:
            self._running -= 1
            if is_fault is not None:
                self._state = after_run(self._state, is_fault=is_fault)
            return self._state
