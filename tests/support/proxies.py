"""A proxy in front of a site that cuts the connection within every n-th response."""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import IO
from urllib.parse import urlsplit

PATIENCE_SECONDS = 30
# Closing sends a reset instead of an end, and drops what is still on its way.
RESET = struct.pack("ii", 1, 0)


class Cut(StrEnum):
    """How a response is cut; the site has handled the request in any case."""

    BEFORE = "reset before its first byte"
    WITHIN = "reset in its middle"
    SHORT = "ended in its middle"


@dataclass
class CuttingProxy:
    """The address of a proxy, the number of its responses, and which it cut: paths and kinds."""

    address: str
    answers: int = 0
    paths: list[str] = field(default_factory=list)
    kinds: Counter[Cut] = field(default_factory=Counter)

    @property
    def cuts(self) -> int:
        return len(self.paths)


@contextmanager
def cutting_proxy(
    address: str, *, every: int = 20, cuts_what: Callable[[str], bool] = lambda path: True
) -> Iterator[CuttingProxy]:
    """Run a proxy in front of `address` that cuts every n-th response, in each kind in turn.

    The proxy reads the whole response before it cuts: the site has handled the request, and only
    the client does not know.

    Args:
        cuts_what: Tells whether responses to a path are counted and cut.
    """
    site = urlsplit(address)
    proxy = CuttingProxy("")
    counting = threading.Lock()

    def cut_of(path: str) -> Cut | None:
        if not cuts_what(path):
            return None
        with counting:
            proxy.answers += 1
            if proxy.answers % every:
                return None
            cut = list(Cut)[proxy.cuts % len(Cut)]
            proxy.paths.append(path)
            proxy.kinds[cut] += 1
            return cut

    class ProxyHandler(socketserver.StreamRequestHandler):
        disable_nagle_algorithm = True
        timeout = PATIENCE_SECONDS

        def handle(self) -> None:
            while request := read_message(self.rfile):
                path = request.split(b" ", 2)[1].decode()
                answer = ask(request)
                cut = cut_of(path)
                if cut is None:
                    self.wfile.write(answer)
                    continue
                if cut is not Cut.BEFORE:
                    self.wfile.write(answer[: len(answer) // 2])
                if cut is not Cut.SHORT:
                    self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                return

    def ask(request: bytes) -> bytes:
        with socket.create_connection((site.hostname, site.port), PATIENCE_SECONDS) as upstream:
            upstream.sendall(request)
            with upstream.makefile("rb") as answer:
                return read_message(answer)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False
        request_queue_size = 64

        def shutdown_request(self, request: socket.socket) -> None:  # type: ignore[override]
            # The inherited method calls shutdown(), which would send FIN before the reset.
            request.close()

        def handle_error(self, request: object, client_address: object) -> None:
            """Print nothing: the tests kill clients on purpose."""

    with Server(("127.0.0.1", 0), ProxyHandler) as server:
        proxy.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="proxy")
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join()


def read_message(stream: IO[bytes]) -> bytes:
    """Read a request or a response with its body; return b"" if the connection ended before it."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline()
        if not line:
            return b""
        head += line
    fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:] if b":" in line)
    assert b"transfer-encoding" not in fields, "this proxy needs a Content-Length"
    return head + stream.read(int(fields.get(b"content-length", b"0")))
