"""Middleware that fails, for tests of errors outside the views."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.support.attacks import run_sql


def asks_the_database(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def ask(request: Any) -> Any:
        run_sql("SELECT 1")
        return get_response(request)

    return ask


def breaks(get_response: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def fail(request: Any) -> Any:
        raise RuntimeError("broken on purpose")

    return fail
