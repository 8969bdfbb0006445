"""Run the site: start the database, migrate it, and serve the admin and the API.

The database is the PostgreSQL of DATABASE_URL. If that is not set, it is the embedded PostgreSQL
(for development only), whose data is in GOVSITE_DATA_DIR. An empty database gets a demo, and the
passwords of its users are printed once. Ctrl-C stops everything; the next run uses the same data.
On a local address such as 127.0.0.1 the site serves plain HTTP. On any other address it expects a
proxy with TLS in front.
"""

from __future__ import annotations

import os
import signal
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connections
from django.urls import reverse

from governance.demo.load_demo import is_empty, load_demo
from governance.domain.errors import CannotServeError
from governance.management.base import GovernanceCommand
from governance.management.commands.load_demo import password_lines
from governance.management.values import number_in
from govsite.serving import LOOPBACK, Site, database_url

EMBEDDED = "govsite.embedded"
WATCH_SECONDS = 0.5


class Stopped(BaseException):
    """The signal to stop the site, raised by the signal handlers."""


class Command(GovernanceCommand):
    help = __doc__

    examples = ("run_dev", "run_dev --port 8080 --no-demo")
    exit_codes = {0: "stopped as asked", 1: "the port is taken, or the site could not start"}

    _has_reported_end = False

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

    def run(self, **options: Any) -> None:
        site = Site(host=options["host"], port=options["port"])
        if not site.port_is_free():
            raise CannotServeError(
                f"Cannot listen on {options['host']}, port {options['port']}: it is in use, or "
                "this user may not use it. Choose another with --port or PORT."
            )
        with suppress(Stopped), _stop_signals(_raise_stopped):
            self._prepare(with_demo=not options["no_demo"])
            self._serve(site)

    def _prepare(self, *, with_demo: bool) -> None:
        settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
        call_command("migrate", verbosity=0, interactive=False)
        if with_demo and is_empty():
            for line in password_lines(load_demo()):
                self.stdout.write(line)
            self.stdout.flush()
        connections.close_all()

    def _serve(self, site: Site) -> None:
        try:
            site.start(_environment(site.host), folder=settings.BASE_DIR)
            if not site.wait_until_listening():
                raise CannotServeError("The site did not start; its own messages are above.")
            self.stdout.write(f"admin  {site.address}{reverse('admin:index')}")
            self.stdout.write(f"API    {site.address}{reverse('api:index')}")
            self.stdout.write(f"       {site.address}{reverse('api:docs')} describes it")
            self.stdout.write("Ctrl-C stops it.")
            self.stdout.flush()
            if code := self._wait(site):
                raise CannotServeError(f"The site ended by itself, with exit code {code}.")
        finally:
            with _stop_signals(signal.SIG_IGN):
                site.stop()

    def _wait(self, site: Site) -> int:
        """Wait until the site ends, and keep the embedded database running until then.

        Returns:
            The exit code of the site.
        """
        while (code := site.wait(WATCH_SECONDS)) is None:
            if settings.DATABASES["default"]["ENGINE"] == EMBEDDED:
                self._watch(Path(settings.DATABASES["default"]["HOST"]))
        return code

    def _watch(self, data_dir: Path) -> None:
        """Restart the embedded server if it was killed; a failure is printed and tried again."""
        from govsite.embedded.server import (  # not in a production install
            is_running,
            restart_if_killed,
        )

        if is_running(data_dir):
            self._has_reported_end = False
            return
        if not self._has_reported_end:
            self.stderr.write("The embedded PostgreSQL has ended; it is being started again.")
            self._has_reported_end = True
        try:
            restart_if_killed(data_dir)
        except ImproperlyConfigured as trouble:
            self.stderr.write(str(trouble))


def _environment(host: str) -> dict[str, str]:
    """Return the environment of the site's processes, which use the database that runs already.

    GOVSITE_OWNER_DATABASE_URL is left out, because these processes never migrate.
    """
    environment = dict(os.environ) | {"GOVSITE_DATA_DIR": str(settings.GOVSITE_DATA_DIR)}
    environment.pop("GOVSITE_OWNER_DATABASE_URL", None)
    database = settings.DATABASES["default"]
    if database["ENGINE"] == EMBEDDED:
        from govsite.embedded.server import start_server

        socket_dir = start_server(Path(database["HOST"]))
        environment["DATABASE_URL"] = database_url(database, socket_dir)
    if host in LOOPBACK:
        environment.setdefault("GOVSITE_HTTPS", "0")
    return environment


@contextmanager
def _stop_signals(
    handler: Callable[[int, FrameType | None], None] | signal.Handlers,
) -> Iterator[None]:
    """Handle Ctrl-C, a closed terminal and SIGTERM by `handler` while the block runs."""
    stopping = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    previous = {number: signal.signal(number, handler) for number in stopping}
    try:
        yield
    finally:
        for number, earlier in previous.items():
            signal.signal(number, earlier)


def _raise_stopped(signum: int, frame: FrameType | None) -> None:
    raise Stopped
