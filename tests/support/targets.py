"""Targets of the handler `http`: a server on a real socket that answers as a test says."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

PATIENCE_SECONDS = 10
Answering = Callable[[socket.socket], None]


@dataclass
class FakeTarget:
    """A server's port, and the requests that it got: their headers and bodies, and their paths."""

    port: int
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/steps"


def answer(status: str, body: Any = b"", *headers: str) -> Answering:
    """Answer with a status line such as "200 OK", and a body, which may be a JSON value."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", *headers])

    def send(connection: socket.socket) -> None:
        connection.sendall(head.encode() + b"\r\n\r\n" + content)

    return send


def trickle(beginning: bytes, piece: bytes, seconds: float) -> Answering:
    """Send a beginning, and then a piece every 50 ms for this long, and never an end."""

    def send(connection: socket.socket) -> None:
        connection.sendall(beginning)
        silent = threading.Event()
        for _ in range(int(seconds / 0.05)):
            connection.sendall(piece)
            silent.wait(0.05)

    return send


def silence(seconds: float) -> Answering:
    """Send nothing for this long."""
    return trickle(b"", b"", seconds)


@contextmanager
def fake_target(answering: Answering) -> Iterator[FakeTarget]:
    """Serve one connection after the other, each with one request."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        target = FakeTarget(server.getsockname()[1])
        server.settimeout(0.05)
        stopping = threading.Event()
        thread = threading.Thread(target=_serve, args=(server, target, answering, stopping))
        thread.start()
        try:
            yield target
        finally:
            stopping.set()
            thread.join(PATIENCE_SECONDS)


def _serve(
    server: socket.socket, target: FakeTarget, answering: Answering, stopping: threading.Event
) -> None:
    while not stopping.is_set():
        try:
            connection, _ = server.accept()
        except TimeoutError:
            continue
        # The handler may end the connection at any moment.
        with connection, suppress(OSError):
            connection.settimeout(PATIENCE_SECONDS)
            path, headers, body = _read_request(connection)
            target.paths.append(path)
            target.requests.append((headers, body))
            answering(connection)


def _read_request(connection: socket.socket) -> tuple[str, dict[str, str], bytes]:
    with connection.makefile("rb") as file:
        path = file.readline().split()[1].decode()
        headers: dict[str, str] = {}
        while (line := file.readline().strip()) != b"":
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        return path, headers, file.read(int(headers.get("content-length", "0")))
