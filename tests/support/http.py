"""The application behind a real socket, for tests that need HTTP itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application

from govsite.middleware import refuse_other_charsets


class _Server(ThreadedWSGIServer):
    # Without daemon threads, closing the server waits until their database connections are closed.
    daemon_threads = False


class _QuietHandler(WSGIRequestHandler):
    # Headers and body are two writes; with Nagle's algorithm the second waits for an ACK.
    disable_nagle_algorithm = True

    def log_message(self, *_: Any) -> None: ...


@contextmanager
def served_application() -> Iterator[str]:
    """Serve the application, with a thread for each connection, and return its address.

    Clients must close their connections before the block ends. The middleware is loaded with the
    settings of this moment. The test needs the fixture `committed`.
    """
    server = _Server(("127.0.0.1", 0), _QuietHandler)
    server.set_app(refuse_other_charsets(get_wsgi_application()))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="application")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
