"""Run the site: start the database, migrate it, serve the admin and the API, and run a worker.

The database is the PostgreSQL of DATABASE_URL. If that is not set, it is the embedded PostgreSQL
(for development only), whose data is in GOVSITE_DATA_DIR. An empty database gets a demo, and the
passwords of its users are printed once. Ctrl-C stops everything; the next run uses the same data.
Without GOVSITE_EXECUTION_FILE it writes a routes file into the data folder: the worker then changes
the registry by itself, but leaves the capability GiftCards of the tutorial to executors over HTTP.
On a local address such as 127.0.0.1 the site serves plain HTTP. On any other address it expects a
proxy with TLS in front.
"""

from __future__ import annotations

import errno
import os
import signal
import socket
import sys
import time
from argparse import ArgumentParser
from contextlib import suppress
from typing import NoReturn

from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.urls import reverse

from governance.demo.load_demo import is_empty, load_demo
from governance.domain.errors import CannotServeError
from governance.management.base import NO_DATABASE, GovernanceCommand
from governance.management.commands.load_demo import password_lines
from governance.management.values import number_in
from govsite.embedded import EMBEDDED_DATA, READY_MESSAGE
from govsite.environment import ROUTES_FILE

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

ROUTES = """\
# Which handler serves which steps; docs/routes.md describes this file. The first route that matches
# serves a step. The tutorial runs the steps of GiftCards by hand, as an executor over HTTP; nobody
# observes GiftCards, so the auditor takes the executor's word.

[[route]]
scopes = ["GiftCards"]
change_types = "*"
handler = "client"
trust_reports = true

[[route]]
scopes = "*"
change_types = "*"
handler = "registry"
"""

# The workers of a site that was killed keep its port until they notice, a second or two later.
PORT_WAIT_SECONDS = 5.0
PORT_RETRY_SECONDS = 0.2


class Command(GovernanceCommand):
    help = __doc__

    examples = ("run_dev", "run_dev --port 8080 --no-demo")
    exit_codes = {
        0: "stopped as asked",
        1: "the port is taken",
        NO_DATABASE: "the database or the site could not be started",
    }

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--host", default="127.0.0.1", help="The address to listen on (default: %(default)s)."
        )
        parser.add_argument(
            "--port",
            type=number_in(range(1, 65536)),
            default=os.environ.get("PORT") or "8000",
            help="The port to listen on (default: PORT from the environment, or 8000).",
        )
        parser.add_argument("--no-demo", action="store_true", help="Do not load the demo.")

    def run(self, *, host: str, port: int, no_demo: bool) -> None:
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.default_int_handler)
        with suppress(KeyboardInterrupt), _bound_socket(host, port) as listener:
            settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
            call_command("migrate", verbosity=0, interactive=False)
            if not no_demo and is_empty():
                self.stdout.write("\n".join(password_lines(load_demo())))
                self.stdout.flush()
            routes = _routes_file()
            connections.close_all()
            _become_gunicorn(listener, host, port, routes)


def _bound_socket(host: str, port: int) -> socket.socket:
    """Take the address, so that nothing else is done if it cannot be had.

    Raises:
        CannotServeError: the port is in use, or this user may not use it.
    """
    give_up_at = time.monotonic() + PORT_WAIT_SECONDS
    while True:
        listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            return listener
        except OSError as error:
            listener.close()
            if error.errno != errno.EADDRINUSE or time.monotonic() > give_up_at:
                raise CannotServeError(
                    f"Cannot listen on {host}, port {port}: it is in use, or this user may not use "
                    "it. Choose another with --port or PORT."
                ) from None
        time.sleep(PORT_RETRY_SECONDS)


def _routes_file() -> str:
    """Return the path of the routes file; write one into the data folder if there is none."""
    if settings.GOVSITE_EXECUTION_FILE:
        return str(settings.GOVSITE_EXECUTION_FILE)
    path = settings.GOVSITE_DATA_DIR / ROUTES_FILE
    if not path.exists():
        path.write_text(ROUTES, encoding="utf-8")
        path.chmod(0o644)
    return str(path)


def _become_gunicorn(listener: socket.socket, host: str, port: int, routes: str) -> NoReturn:
    """Replace this process by gunicorn, which gets the socket and keeps the embedded database.

    GOVSITE_OWNER_DATABASE_URL is left out, because the site never migrates.
    """
    address = f"http://{_authority(host, port)}"
    message = (
        f"admin  {address}{reverse('admin:index')}\n"
        f"API    {address}{reverse('api:index')}\n"
        f"       {address}{reverse('api:docs')} describes it\n"
        "Ctrl-C stops it.\n"
    )
    environment = os.environ | {
        "GOVSITE_DATA_DIR": str(settings.GOVSITE_DATA_DIR),
        "GOVSITE_EXECUTION_FILE": routes,
        READY_MESSAGE: message,
    }
    environment.pop("GOVSITE_OWNER_DATABASE_URL", None)
    if settings.DATABASES["default"]["ENGINE"] == "govsite.embedded":
        environment[EMBEDDED_DATA] = settings.DATABASES["default"]["HOST"]
    if host in LOOPBACK:
        environment.setdefault("GOVSITE_HTTPS", "0")
    listener.set_inheritable(True)
    os.chdir(settings.BASE_DIR)
    arguments = ["--config=python:govsite.dev_settings", f"--bind=fd://{listener.fileno()}"]
    os.execve(sys.executable, [sys.executable, "-m", "gunicorn", *arguments], environment)  # noqa: S606 - our own interpreter


def _authority(host: str, port: int) -> str:
    """Return host and port for a browser on this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
