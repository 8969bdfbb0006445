"""The observer `http`: asks an address for the state of all scopes, or of each scope by itself.

The address is asked for each scope by itself if `{scope}` stands in it, several at a time. The
host's name is resolved for each request, and only to public addresses unless the route allows
private ones; no redirect is followed.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from governance.authorities.executor.handlers.http_target import require_url, send_request
from governance.authorities.executor.handlers.step_documents import words_of
from governance.authorities.executor.handlers.timed_connection import SecondsLeft
from governance.authorities.executor.options import OptionTable
from governance.authorities.executor.performing import text_of
from governance.authorities.executor.secret_files import SecretFiles
from governance.authorities.health.observers.observer import CannotObserve, ScopeToObserve
from governance.authorities.health.observers.states import read_answer

SCOPE_FIELD = "{scope}"
MAX_REQUESTS_AT_ONCE = 8


class HttpObserver:
    """An observer that gets JSON from the address of its route."""

    def __init__(self, *, url: str, token: str, secrets: SecretFiles, allow_private: bool) -> None:
        self._url = url
        self._token = token
        self._secrets = secrets
        self._allow_private = allow_private

    def observe(
        self, scopes: Sequence[ScopeToObserve], *, seconds: float
    ) -> Mapping[str, Mapping[str, Any] | CannotObserve]:
        """Return the states that the target answered.

        Raises:
            CannotObserve: the target answered something else than 200 and JSON.
            Exception: the target cannot be reached, or did not answer in time.
        """
        ends_at = time.monotonic() + seconds

        def seconds_left() -> float:
            return max(0.0, ends_at - time.monotonic())

        if SCOPE_FIELD not in self._url:
            return self._get(self._url, seconds_left)
        return self._states_of([one.scope for one in scopes], seconds_left)

    def _states_of(
        self, scopes: Sequence[str], seconds_left: SecondsLeft
    ) -> dict[str, Mapping[str, Any] | CannotObserve]:
        """Ask for each scope, several at a time."""
        states: dict[str, Mapping[str, Any] | CannotObserve] = {}
        waiting = deque(scopes)

        def ask() -> None:
            while True:
                try:
                    scope = waiting.popleft()
                except IndexError:
                    return
                states[scope] = self._state_of(scope, seconds_left)

        # Daemons, unlike those of an executor: a name that is not resolved must not keep a process.
        threads = [
            threading.Thread(target=ask, daemon=True)
            for _ in range(min(MAX_REQUESTS_AT_ONCE, len(scopes)))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return states

    def _state_of(self, scope: str, seconds_left: SecondsLeft) -> Mapping[str, Any] | CannotObserve:
        try:
            return self._get(self._url.replace(SCOPE_FIELD, quote(scope, safe="")), seconds_left)
        except Exception as trouble:  # noqa: BLE001 - the other scopes may be answered
            return CannotObserve(text_of(trouble))

    def _get(self, url: str, seconds_left: SecondsLeft) -> Mapping[str, Any]:
        headers = {"accept": "application/json", "user-agent": "govsite"}
        if self._token:
            headers["authorization"] = f"Bearer {self._secrets.read(self._token)}"
        answer = send_request(
            "GET",
            url,
            headers=headers,
            allow_private=self._allow_private,
            seconds_left=seconds_left,
        )
        if answer.status != 200:
            words = words_of(answer.body)
            raise CannotObserve(f"{answer.host} answered {answer.status}: {words}")
        return read_answer(answer.body)


def make_http_observer(options: OptionTable, secrets: SecretFiles) -> HttpObserver:
    """Make the observer from the options `url`, `token` and `allow_private`.

    Raises:
        InvalidRoutesError: with the path of the option that is wrong.
        UnusableSecretError: the token cannot be read.
    """
    allow_private = options.flag("allow_private")
    url = require_url(options, allow_private=allow_private)
    if SCOPE_FIELD in urlsplit(url).netloc:
        raise options.error("url", f"must not have {SCOPE_FIELD} in its host")
    token = options.text("token", default="")
    if token and not _is_header(secrets.read(token)):
        raise options.error("token", "must be a secret of printable ASCII without spaces")
    return HttpObserver(url=url, token=token, secrets=secrets, allow_private=allow_private)


def _is_header(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text
