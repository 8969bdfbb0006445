"""Rate limits per token: one for reads and one for writes, in each minute.

The counts are in Django's cache: each web process has its own cache, unless `CACHES` names one that
the processes share. The limits keep one client from using up the site; no invariant needs them.
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
    """A throttle that counts by token, not by account, with at most two cache operations a call.

    The limits are `GOVSITE_API_READS_PER_MINUTE` and `GOVSITE_API_WRITES_PER_MINUTE`; 0 means no
    limit. A request without a token is not counted: authentication refuses it, or it reads a page
    that is open to everyone.
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
        """Return the seconds until the next minute begins; DRF rounds them up."""
        return self._wait

    @staticmethod
    def _count(key: str) -> int:
        if cache.add(key, 1, timeout=2 * WINDOW_SECONDS):
            return 1
        try:
            return cache.incr(key)
        except ValueError:  # the cache was full and evicted the key after `add`
            cache.set(key, 1, timeout=2 * WINDOW_SECONDS)
            return 1
