"""Requests to one address of a target: resolved once, without redirects, proxies or repetition."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpcore

from governance.authorities.executor.handlers.addresses import resolve_host
from governance.authorities.executor.handlers.step_documents import MAX_ANSWER_BYTES
from governance.authorities.executor.handlers.timed_connection import SecondsLeft, TimedBackend
from governance.authorities.executor.options import OptionTable
from governance.authorities.executor.steps import HandlerFault


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """The answer of a target to a request."""

    host: str
    status: int
    body: bytes


def require_url(options: OptionTable, *, allow_private: bool) -> str:
    """Return the option `url`, an address with a host.

    Raises:
        InvalidRoutesError: with the path of the option.
    """
    url = options.text("url")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or not url.isascii() or any(character.isspace() for character in url):
        raise options.error("url", "must be an address, as in https://platform.example/steps")
    if "@" in parts.netloc:
        raise options.error("url", "must not have a user or a password")
    if parts.scheme != "https" and not (parts.scheme == "http" and allow_private):
        raise options.error("url", "must begin with https://, or with http:// if allow_private")
    if parts.fragment:
        raise options.error("url", "must not have a fragment (#)")
    return url


def host_of(url: str) -> str:
    """Return the host of an address in small letters."""
    return (urlsplit(url).hostname or "").lower()


def send_request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    content: bytes | None = None,
    allow_private: bool,
    seconds_left: SecondsLeft,
) -> HttpAnswer:
    """Send one request, and read the answer.

    Raises:
        HandlerFault: the host is at a private address, did not answer in time, or answered more
            than 1 MiB.
        Exception: the host cannot be reached.
    """
    parts = urlsplit(url)
    host = host_of(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    addresses = resolve_host(host, port, allow_private=allow_private)
    backend = TimedBackend(addresses, seconds_left)
    try:
        with (
            httpcore.ConnectionPool(
                ssl_context=ssl.create_default_context() if parts.scheme == "https" else None,
                network_backend=backend,
            ) as pool,
            pool.stream(method, url, headers=[*headers.items()], content=content) as response,
        ):
            return HttpAnswer(host, response.status, _read_body(response))
    except httpcore.TimeoutException:
        raise HandlerFault(f"{host} did not answer in time.") from None


def _read_body(response: httpcore.Response) -> bytes:
    body = bytearray()
    for chunk in response.iter_stream():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise HandlerFault("The answer is larger than 1 MiB; the rest was not read.")
    return bytes(body)
