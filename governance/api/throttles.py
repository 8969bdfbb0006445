"""How often a token may call: a count for each minute, one for reads and one for writes.

The counts live in Django's cache: each web process has its own, unless `CACHES` names one that the
processes share. They keep one client from taking everything; they are no part of any promise.
"""

from __future__ import annotations

from time import time
from typing import Any

from django.conf import settings
from django.core.cache import cache
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

WINDOW_SECONDS = 60


class TokenThrottle(BaseThrottle):
    """Counts by token, not by account; two steps in the cache, however many calls there were.

    `GOVSITE_API_READS_PER_MINUTE` and `GOVSITE_API_WRITES_PER_MINUTE`, 0 for no limit. What shows
    no token is let through: it is refused, or reads what is open to everybody.
    """

    def allow_request(self, request: Request, view: Any) -> bool:
        token = request.auth
        kind = "READS" if request.method in SAFE_METHODS else "WRITES"
        limit = settings.GOVSITE[f"API_{kind}_PER_MINUTE"]
        if token is None or not limit:
            return True
        window, into_it = divmod(time(), WINDOW_SECONDS)
        self._wait = WINDOW_SECONDS - into_it
        return self._count(f"calls:{token.pk}:{kind}:{int(window)}") <= limit

    def wait(self) -> float:
        """In how many seconds the next minute begins; DRF rounds it up to a whole one."""
        return self._wait

    @staticmethod
    def _count(key: str) -> int:
        if cache.add(key, 1, timeout=2 * WINDOW_SECONDS):
            return 1
        try:
            return cache.incr(key)
        except ValueError:  # the cache was full, and dropped it meanwhile
            cache.set(key, 1, timeout=2 * WINDOW_SECONDS)
            return 1
