"""The browser of the tests: Debian's Chromium, not a download of Playwright."""

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
    """Run a browser process, and allow database queries in this thread while it runs."""
    arguments = ["--disable-dev-shm-usage"]  # /dev/shm is small in containers
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")  # Chromium refuses to run as root otherwise
    # Playwright keeps an event loop in this thread while the browser is open. Django refuses
    # queries in such a thread, to protect coroutines; the tests are not coroutines.
    unsafe = patch.dict(os.environ, DJANGO_ALLOW_ASYNC_UNSAFE="true")
    with unsafe, sync_playwright() as playwright:
        try:
            yield playwright.chromium.launch(executable_path=PATH, args=arguments)
        finally:
            # Django keeps separate connections while an event loop runs; close them here.
            connections.close_all()
