"""A real Prometheus that scrapes a target of the test, and the rules that a site asks of it."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

PROGRAM = shutil.which("prometheus")
START_SECONDS = 20
JOB = "shop"

needs_prometheus = pytest.mark.skipif(
    PROGRAM is None, reason="Debian's package prometheus is not installed"
)


@dataclass
class Target:
    """A program with one metric, `shop_errors`, that Prometheus scrapes."""

    errors: float = 0.0
    server: Any = field(default=None, repr=False)

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])

    def stop(self) -> None:
        """Let the target be gone."""
        self.server.shutdown()
        self.server.server_close()


@contextmanager
def target() -> Iterator[Target]:
    """Serve the metric of a target."""
    found = Target()

    class Metrics(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = f'shop_errors{{page="basket"}} {found.errors}\n'.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Write nothing to the terminal."""

    found.server = ThreadingHTTPServer(("127.0.0.1", 0), Metrics)
    threading.Thread(target=found.server.serve_forever, daemon=True).start()
    try:
        yield found
    finally:
        with suppress(OSError):
            found.stop()


@dataclass
class Prometheus:
    """A running Prometheus."""

    url: str
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def query(self, query: str) -> list[Any]:
        """Return the series that a query answers."""
        address = f"{self.url}/api/v1/query?query={query}"
        with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310 - our own
            result: list[Any] = json.load(answer)["data"]["result"]
        return result


@contextmanager
def prometheus(folder: Path, scraped: Target) -> Iterator[Prometheus]:
    """Run a Prometheus that scrapes a target five times a second."""
    assert PROGRAM is not None
    config = folder / "prometheus.yml"
    config.write_text(
        "global: {scrape_interval: 200ms, scrape_timeout: 200ms}\n"
        "scrape_configs:\n"
        f"  - job_name: {JOB}\n"
        f"    static_configs: [{{targets: ['127.0.0.1:{scraped.port}']}}]\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [
                PROGRAM,
                f"--config.file={config}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    running = Prometheus(f"http://127.0.0.1:{port}", process)
    try:
        eventually(lambda: running.query("up"), "Prometheus scrapes its target")
        yield running
    finally:
        running.kill()


def eventually(ask: Callable[[], Any], what: str) -> Any:
    """Return the first true answer; fail if there is none in time."""
    ends_at = time.monotonic() + START_SECONDS
    while time.monotonic() < ends_at:
        with suppress(OSError):
            if found := ask():
                return found
        time.sleep(0.05)
    raise AssertionError(f"not in time: {what}")


def write_rules(path: Path, url: str, *rules: str, more: str = "") -> Path:
    """Write a file of health rules."""
    path.write_text("\n".join([f'url = "{url}"', more, *(f"[[rule]]\n{one}" for one in rules)]))
    path.chmod(0o644)
    return path


def use_rules(settings: Any, path: Path) -> None:
    """Let the site ask the rules of a file."""
    settings.GOVSITE_PROMETHEUS_FILE = str(path)
    settings.GOVSITE = settings.GOVSITE | {
        "HEALTH_PROVIDER": (
            "governance.authorities.health.prometheus_provider.PrometheusHealthProvider"
        )
    }
