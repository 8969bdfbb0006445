"""Debian's Chromium, never Playwright's own download."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from django.db import connections
from playwright.sync_api import Browser, sync_playwright

PATH = shutil.which("chromium") or ""
HOW_TO_GET_IT = "no Chromium on this machine (apt-get install chromium)"


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """A browser process; the database may be asked while it runs, in this thread too."""
    arguments = ["--disable-dev-shm-usage"]  # containers have little of it
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")  # Chromium refuses to run as root otherwise
    # Playwright keeps an event loop in this thread while the browser is open. Django refuses to
    # ask the database beside one, for the sake of coroutines; our callers are none.
    unsafe = patch.dict(os.environ, DJANGO_ALLOW_ASYNC_UNSAFE="true")
    with unsafe, sync_playwright() as playwright:
        try:
            yield playwright.chromium.launch(executable_path=PATH, args=arguments)
        finally:
            # Beside a loop Django has connections of its own, which nobody would close later.
            connections.close_all()
