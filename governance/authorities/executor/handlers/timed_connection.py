"""Connections that go to known addresses only, and end when a step's time is over.

A timeout for each read would not do: a target that sends a byte now and then would never end.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import httpcore

SecondsLeft = Callable[[], float]
WRITE_BYTES = 64 * 1024


class TimedBackend(httpcore.NetworkBackend):
    """Connects to the addresses that a host's name was resolved to, the first that answers."""

    def __init__(self, addresses: Sequence[str], seconds_left: SecondsLeft) -> None:
        self._addresses = addresses
        self._seconds_left = seconds_left

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        refused: Exception = httpcore.ConnectError(f"{host} has no address.")
        for address in self._addresses:
            try:
                stream = httpcore.SyncBackend().connect_tcp(
                    address, port, timeout=_time(self._seconds_left, httpcore.ConnectTimeout)
                )
            except httpcore.ConnectError as error:
                refused = error
            else:
                return _TimedStream(stream, self._seconds_left)
        raise refused


class _TimedStream(httpcore.NetworkStream):
    """A connection each of whose reads and writes ends when the time is over."""

    def __init__(self, stream: httpcore.NetworkStream, seconds_left: SecondsLeft) -> None:
        self._stream = stream
        self._seconds_left = seconds_left

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        left = _time(self._seconds_left, httpcore.ReadTimeout)
        return self._stream.read(max_bytes, timeout=left)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), WRITE_BYTES):
            left = _time(self._seconds_left, httpcore.WriteTimeout)
            self._stream.write(buffer[start : start + WRITE_BYTES], timeout=left)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = _time(self._seconds_left, httpcore.ConnectTimeout)
        secured = self._stream.start_tls(ssl_context, server_hostname, timeout=left)
        return _TimedStream(secured, self._seconds_left)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _time(seconds_left: SecondsLeft, over: type[httpcore.TimeoutException]) -> float:
    """Return the seconds that are left; raise `over` if there are none."""
    left = seconds_left()
    if left <= 0:
        raise over("The time of the step is over.")
    return left
