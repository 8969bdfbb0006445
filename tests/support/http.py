"""The application behind a real socket, for tests in which HTTP itself takes part."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application

from govsite.middleware import refuse_other_charsets


class _Server(ThreadedWSGIServer):
    # Closing the server waits for its threads, and so for their database connections.
    daemon_threads = False


class _QuietHandler(WSGIRequestHandler):
    # Headers and body are two writes: without this every answer waits for an acknowledgement.
    disable_nagle_algorithm = True

    def log_message(self, *_: Any) -> None: ...


@contextmanager
def served_application() -> Iterator[str]:
    """The address of the application, served by a thread for each connection.

    Clients must close their connections before the context ends. Settings are read as they are
    now; needs a database whose commits are real (`committed`).
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
