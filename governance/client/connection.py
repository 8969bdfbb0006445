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

from governance.client.answers import LedgerEntry
from governance.client.clock import SiteClock, Stamp
from governance.client.following import LONGEST_SILENCE, followed
from governance.client.problems import problem_of
from governance.client.retries import Answer, Patience, ask_patiently

LONGEST_ATTEMPT = 30.0  # seconds without a byte
SHORTEST_ATTEMPT = 1.0
# Shorter than servers keep a connection, so that no call meets one that is being closed.
KEEP_ALIVE = httpx.Limits(keepalive_expiry=3)


class Connection:
    """One token's way to one site. Not for several threads at once.

    `get`, `post` and `pages` return what was answered, as JSON, and raise GovsiteProblem for a
    refusal; `ask` leaves that to its caller. NoAnswer when there is none for as long as `patience`
    lasts, or `within` seconds where a call says so. `clock` is set by every answer.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        patience: Patience | None = None,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.clock = SiteClock()
        self._patience = patience or Patience()
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
        return answered(self.ask("GET", path)).json()

    def pages(
        self, path: str, filters: Mapping[str, str | int], *, within: float | None = None
    ) -> Iterator[Any]:
        """Every row of a list; a page is read when the one before it is used up."""
        parameters: dict[str, Any] = dict(filters)
        while True:
            answer = self.ask("GET", path, parameters=parameters, within=within)
            page = answered(answer).json()
            yield from page["results"]
            if page["next"] is None:
                return
            # Only the place is taken from the address: our token goes nowhere but to our site.
            parameters["cursor"] = httpx.URL(page["next"]).params["cursor"]

    def follow(self, path: str, *, after: int | None) -> Iterator[LedgerEntry]:
        """Each event of a stream once, through as many streams as it takes (`following.py`)."""
        timeout = httpx.Timeout(LONGEST_ATTEMPT, read=LONGEST_SILENCE)

        def open_stream(headers: dict[str, str]) -> AbstractContextManager[httpx.Response]:
            return self._http.stream("GET", path, headers=headers, timeout=timeout)

        return followed(open_stream, after=after, patience=self._patience, sleep=self._sleep)

    def post(
        self, path: str, body: Any, *, key: str | None = None, within: float | None = None
    ) -> Any:
        """What was answered, None where that is nothing (204)."""
        response = answered(self.ask("POST", path, body=body, key=key, within=within))
        return None if response.status_code == httpx.codes.NO_CONTENT else response.json()

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        parameters: Mapping[str, Any] | None = None,
        key: str | None = None,
        within: float | None = None,
    ) -> Answer:
        """The answer, whatever it is. A POST has `key`, or a fresh one, at all its attempts."""
        headers, content = {}, None
        if method == "POST":
            headers = {"Idempotency-Key": key or new_key(), "Content-Type": "application/json"}
            content = encoded(body)

        def attempt(left: float) -> httpx.Response:
            asked = Stamp.now()
            response = self._http.request(
                method,
                path,
                content=content,
                params=parameters,
                headers=headers,
                timeout=min(LONGEST_ATTEMPT, max(left, SHORTEST_ATTEMPT)),
            )
            self.clock.hear(response.headers.get("Date"), asked=asked)
            _require_whole(response)
            return response

        return ask_patiently(attempt, patience=self._patience, within=within, sleep=self._sleep)


def answered(answer: Answer) -> httpx.Response:
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
    if not token or not all("!" <= letter <= "~" for letter in token):
        raise ValueError("a token is one word of visible ASCII characters")
    return token


def _require_whole(response: httpx.Response) -> None:
    """Treat a success that is no JSON as cut: it may have lost its end on its way here."""
    if response.is_success and response.status_code != httpx.codes.NO_CONTENT:
        try:
            response.json()
        except ValueError:
            raise httpx.RemoteProtocolError("the answer is not JSON, or not all of it") from None
