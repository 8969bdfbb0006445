"""HTTP requests to one site: authentication, retries, idempotency keys and paging."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import uuid4

import httpx

from governance.client.clock import ClockReading, SiteClock
from governance.client.job_events import MAX_SILENCE_SECONDS, stream_entries
from governance.client.outages import OutageLog
from governance.client.problems import problem_of
from governance.client.responses import LedgerEntryData
from governance.client.retries import CallResult, RetryPolicy, is_final, send_with_retries

MAX_ATTEMPT_SECONDS = 30.0  # without receiving a byte
MIN_ATTEMPT_SECONDS = 1.0
# Shorter than the keep-alive of servers, so that no request uses a connection that is closing.
KEEP_ALIVE = httpx.Limits(keepalive_expiry=3)


class Connection:
    """A connection to one site with one token. It is not thread-safe.

    Close it, or use it in a `with` statement. `get`, `post` and `pages` return the parsed JSON of a
    success; `send` returns any response. Every response sets `clock`, the estimated clock of the
    site, by which leases are measured.

    Args:
        url: the site's URL, such as `https://gov.example`.
        token: an API token of the site.
        outages: where it is logged that the site does not answer, although it is asked again.

    Raises:
        ValueError: the URL or the token is malformed.
        GovsiteProblem: `get`, `post`, `pages` and `stream`, if the site refuses the call.
        NoAnswer: every method, if there is no response within `retry_policy` or `within` seconds.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        retry_policy: RetryPolicy | None = None,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        outages: OutageLog | None = None,
    ) -> None:
        self.clock = SiteClock()
        self._outages = outages or OutageLog()
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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def get(self, path: str) -> Any:
        return successful_response(self.send("GET", path)).json()

    def pages(
        self, path: str, filters: Mapping[str, str | int], *, within: float | None = None
    ) -> Iterator[Any]:
        """Yield every row of a list; each page is read when the one before it is used up."""
        parameters: dict[str, Any] = dict(filters)
        while True:
            answer = self.send("GET", path, parameters=parameters, within=within)
            page = successful_response(answer).json()
            yield from page["results"]
            if page["next"] is None:
                return
            # Only the cursor of the URL is used, so the token is sent to no other host.
            parameters["cursor"] = httpx.URL(page["next"]).params["cursor"]

    def stream(self, path: str, *, after: int | None) -> Iterator[LedgerEntryData]:
        """Yield each event of a stream once, reconnecting as often as needed (`job_events.py`)."""
        timeout = httpx.Timeout(MAX_ATTEMPT_SECONDS, read=MAX_SILENCE_SECONDS)

        def open_stream(headers: dict[str, str]) -> AbstractContextManager[httpx.Response]:
            return self._http.stream("GET", path, headers=headers, timeout=timeout)

        return stream_entries(
            open_stream, after=after, retry_policy=self._retry_policy, sleep=self._sleep
        )

    def post(
        self, path: str, body: Any, *, key: str | None = None, within: float | None = None
    ) -> Any:
        """Send a POST and return the parsed response; None for 204."""
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
        """Send a request with retries; all attempts of a POST have one key, `key` or a new one."""
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

        host = self._http.base_url.host
        with self._outages.watch(host) as note_trouble:
            answer = send_with_retries(
                attempt,
                retry_policy=self._retry_policy,
                within=within,
                sleep=self._sleep,
                on_trouble=note_trouble,
            )
        if is_final(answer.response):
            self._outages.end(host)
        return answer


def successful_response(answer: CallResult) -> httpx.Response:
    """Return the response of a successful call.

    Raises:
        GovsiteProblem: the response is not a success.
    """
    if not answer.response.is_success:
        raise problem_of(answer.response)
    return answer.response


def new_key() -> str:
    """Make a new Idempotency-Key."""
    return str(uuid4())


def encoded(body: Any) -> bytes:
    """Encode a body as JSON in UTF-8; all attempts send the same bytes."""
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def api_address(url: str) -> str:
    """Return the URL of the API of the site at `url`.

    Raises:
        ValueError: `url` is not the URL of a site.
    """
    try:
        address = httpx.URL(url)
        urlsplit(url)  # refuses unbalanced brackets, which httpx accepts
    except (httpx.InvalidURL, ValueError) as error:
        raise ValueError(f"{url!r} is not a URL: {error}") from None
    if address.scheme not in ("http", "https") or not address.host or address.query:
        raise ValueError(f"{url!r} is not the URL of a site, such as https://gov.example")
    return url.rstrip("/").removesuffix("/api/v1") + "/api/v1/"


def usable_token(token: str) -> str:
    """Return the token if it can be sent in a header.

    Raises:
        ValueError: it cannot; the message does not contain the token.
    """
    if not token or not all("!" <= character <= "~" for character in token):
        raise ValueError("a token is one word of visible ASCII characters")
    return token


def _require_complete_json(response: httpx.Response) -> None:
    """Refuse a success whose body is not JSON, because the body may have been cut off.

    Raises:
        httpx.RemoteProtocolError: it is retried like a lost connection.
    """
    if response.is_success and response.status_code != httpx.codes.NO_CONTENT:
        try:
            response.json()
        except ValueError:
            raise httpx.RemoteProtocolError("the response is not JSON, or is incomplete") from None
