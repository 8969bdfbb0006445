"""How the API is asked: with our token, patiently, and with a key that makes repeating safe."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx

from governance.client.clock import ClockReading, SiteClock
from governance.client.job_events import MAX_SILENCE_SECONDS, stream_entries
from governance.client.problems import problem_of
from governance.client.responses import LedgerEntryData
from governance.client.retries import CallResult, RetryPolicy, send_with_retries

MAX_ATTEMPT_SECONDS = 30.0  # seconds without a byte
MIN_ATTEMPT_SECONDS = 1.0
# Shorter than servers keep a connection, so that no call meets one that is being closed.
KEEP_ALIVE = httpx.Limits(keepalive_expiry=3)


class Connection:
    """One token's way to one site. Not for several threads at once.

    `get`, `post` and `pages` return what was answered, as JSON, and raise GovsiteProblem for a
    refusal; `send` leaves that to its caller. NoAnswer when there is none for as long as
    `retry_policy` lasts, or `within` seconds where a call says so. `clock` is set by every answer.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        retry_policy: RetryPolicy | None = None,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.clock = SiteClock()
        self._retry_policy = retry_policy or RetryPolicy()
        self._sleep = sleep
        self._http = httpx.Client(
            base_url=api_address(url),
            headers={"Authorization": f"Bearer {usable_token(token)}", "User-Agent": "govsite"},
            limits=KEEP_ALIVE,
            transport=transport,
        )

    def close(self) -> None:
        self._http.close()

    def get(self, path: str) -> Any:
        return successful_response(self.send("GET", path)).json()

    def pages(
        self, path: str, filters: Mapping[str, str | int], *, within: float | None = None
    ) -> Iterator[Any]:
        """Every row of a list; a page is read when the one before it is used up."""
        parameters: dict[str, Any] = dict(filters)
        while True:
            answer = self.send("GET", path, parameters=parameters, within=within)
            page = successful_response(answer).json()
            yield from page["results"]
            if page["next"] is None:
                return
            # Only the place is taken from the address: our token goes nowhere but to our site.
            parameters["cursor"] = httpx.URL(page["next"]).params["cursor"]

    def follow(self, path: str, *, after: int | None) -> Iterator[LedgerEntryData]:
        """Each event of a stream once, through as many streams as it takes (`following.py`)."""
        timeout = httpx.Timeout(MAX_ATTEMPT_SECONDS, read=MAX_SILENCE_SECONDS)

        def open_stream(headers: dict[str, str]) -> AbstractContextManager[httpx.Response]:
            return self._http.stream("GET", path, headers=headers, timeout=timeout)

        return stream_entries(
            open_stream, after=after, retry_policy=self._retry_policy, sleep=self._sleep
        )

    def post(
        self, path: str, body: Any, *, key: str | None = None, within: float | None = None
    ) -> Any:
        """What was answered, None where that is nothing (204)."""
        response = successful_response(self.send("POST", path, body=body, key=key, within=within))
        return None if response.status_code == httpx.codes.NO_CONTENT else response.json()

    def send(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        parameters: Mapping[str, Any] | None = None,
        key: str | None = None,
        within: float | None = None,
    ) -> CallResult:
        """The answer, whatever it is. A POST has `key`, or a fresh one, at all its attempts."""
        headers, content = {}, None
        if method == "POST":
            headers = {"Idempotency-Key": key or new_key(), "Content-Type": "application/json"}
            content = encoded(body)

        def attempt(left: float) -> httpx.Response:
            asked = ClockReading.now()
            response = self._http.request(
                method,
                path,
                content=content,
                params=parameters,
                headers=headers,
                timeout=min(MAX_ATTEMPT_SECONDS, max(left, MIN_ATTEMPT_SECONDS)),
            )
            self.clock.observe(response.headers.get("Date"), asked=asked)
            _require_complete_json(response)
            return response

        return send_with_retries(
            attempt, retry_policy=self._retry_policy, within=within, sleep=self._sleep
        )


def successful_response(answer: CallResult) -> httpx.Response:
    """The response of a success; anything else is raised as what it is."""
    if not answer.response.is_success:
        raise problem_of(answer.response)
    return answer.response


def new_key() -> str:
    """A fresh Idempotency-Key."""
    return str(uuid4())


def encoded(body: Any) -> bytes:
    """A body in UTF-8: the same bytes at every attempt."""
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def api_address(url: str) -> str:
    """Where the API of the site at `url` is; ValueError if that is no address of a site."""
    try:
        address = httpx.URL(url)
        urlsplit(url)  # is stricter about brackets
    except (httpx.InvalidURL, ValueError) as error:
        raise ValueError(f"{url!r} is not an address: {error}") from None
    if address.scheme not in ("http", "https") or not address.host or address.query:
        raise ValueError(f"{url!r} is not the address of a site, as in https://gov.example")
    return url.rstrip("/").removesuffix("/api/v1") + "/api/v1/"


def usable_token(token: str) -> str:
    """The token, if a header can carry it; ValueError, which does not show it, otherwise."""
    if not token or not all("!" <= character <= "~" for character in token):
        raise ValueError("a token is one word of visible ASCII characters")
    return token


def _require_complete_json(response: httpx.Response) -> None:
    """Treat a success that is no JSON as cut: it may have lost its end on its way here."""
    if response.is_success and response.status_code != httpx.codes.NO_CONTENT:
        try:
            response.json()
        except ValueError:
            raise httpx.RemoteProtocolError("the answer is not JSON, or not all of it") from None
