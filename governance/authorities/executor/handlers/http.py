"""The handler `http`: posts a step as signed JSON to one address, and reads what was done.

The request is signed by Standard Webhooks, and its `webhook-id` is the same whenever the same step
of a job is sent. The host's name is resolved once, and only to public addresses unless the route
allows private ones. No redirect is followed, and nothing is sent twice.
"""

from __future__ import annotations

import json
import ssl
from base64 import b64decode
from binascii import Error as Base64Error
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpcore
from standardwebhooks.webhooks import Webhook

from governance.authorities.executor.handlers.addresses import resolve_host
from governance.authorities.executor.handlers.step_documents import (
    MAX_ANSWER_BYTES,
    read_outcome,
    step_document,
    words_of,
)
from governance.authorities.executor.handlers.timed_connection import TimedBackend
from governance.authorities.executor.options import OptionTable
from governance.authorities.executor.secret_files import SecretFiles
from governance.authorities.executor.steps import (
    HandlerFault,
    Step,
    StepHandler,
    StepOutcome,
    StepRefused,
)
from governance.domain.canonical import timestamp
from governance.domain.changes import CHANGE_TYPES

EVENT_TYPE = "govsite.step"
MIN_KEY_BYTES = 24  # of Standard Webhooks
_KEY_PREFIX = "whsec_"


class HttpHandler:
    """A handler that posts each step to the address of its route."""

    step_types = CHANGE_TYPES

    def __init__(
        self, *, url: str, key: str, secrets: SecretFiles, allow_private: bool = False
    ) -> None:
        self._url = url
        self._key = key
        self._secrets = secrets
        self._allow_private = allow_private

    def run_step(self, step: Step) -> StepOutcome:
        """Post the step and read the answer.

        Raises:
            StepRefused: the target answered 4xx.
            HandlerFault: the target's name is at a private address, or it answered a redirect,
                5xx, or what cannot be read.
            Exception: the target cannot be reached, or did not answer in time.
        """
        parts = urlsplit(self._url)
        host = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        addresses = resolve_host(host, port, allow_private=self._allow_private)
        body = _request_body(step)
        headers = [*self._headers(step, body).items()]
        backend = TimedBackend(addresses, step.seconds_left)
        try:
            with (
                httpcore.ConnectionPool(
                    ssl_context=ssl.create_default_context(), network_backend=backend
                ) as pool,
                pool.stream("POST", self._url, headers=headers, content=body) as response,
            ):
                status, answer = response.status, _read_body(response)
        except httpcore.TimeoutException:
            raise HandlerFault(f"{host} did not answer in time.") from None
        return _outcome(status, answer, step, host)

    def _headers(self, step: Step, body: bytes) -> dict[str, str]:
        message_id = f"{step.job_id}.{step.step_index}"
        now = datetime.now(UTC)
        signature = _webhook(self._secrets.read(self._key)).sign(message_id, now, body.decode())
        return {
            "content-type": "application/json",
            "accept": "application/json",
            "user-agent": "govsite",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": signature,
        }


def make_http_handler(options: OptionTable, secrets: SecretFiles) -> StepHandler:
    """Make the handler from the options `url`, `secret`, `hosts` and `allow_private`.

    Raises:
        InvalidRoutesError: with the path of the option that is wrong.
        UnusableSecretError: the secret cannot be read.
    """
    allow_private = options.flag("allow_private")
    url = options.text("url")
    host = _require_url(url, options, allow_private=allow_private)
    if host not in (one.lower() for one in options.texts("hosts", default=[host])):
        raise options.error("hosts", f"must name {host}, the host of url")
    key = options.text("secret")
    try:
        _webhook(secrets.read(key))
    except ValueError as error:
        raise options.error("secret", str(error)) from None
    return HttpHandler(url=url, key=key, secrets=secrets, allow_private=allow_private)


def _require_url(url: str, options: OptionTable, *, allow_private: bool) -> str:
    """Return the host of an address, or refuse the address."""
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
    return host.lower()


def _webhook(secret: str) -> Webhook:
    """Return the signer of a key.

    Raises:
        ValueError: the key is not one of Standard Webhooks.
    """
    try:
        key = b64decode(secret.removeprefix(_KEY_PREFIX), validate=True)
    except Base64Error:
        key = b""
    if not secret.startswith(_KEY_PREFIX) or len(key) < MIN_KEY_BYTES:
        raise ValueError(f"must be {_KEY_PREFIX} and at least {MIN_KEY_BYTES} bytes in base64")
    return Webhook(key)


def _request_body(step: Step) -> bytes:
    document = {
        "type": EVENT_TYPE,
        "timestamp": timestamp(datetime.now(UTC)),
        "data": step_document(step),
    }
    return json.dumps(document, separators=(",", ":")).encode()


def _read_body(response: httpcore.Response) -> bytes:
    body = bytearray()
    for chunk in response.iter_stream():
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise HandlerFault("The answer is larger than 1 MiB; the rest was not read.")
    return bytes(body)


def _outcome(status: int, answer: bytes, step: Step, host: str) -> StepOutcome:
    """Return the outcome that an answer reports.

    Raises:
        StepRefused: for 4xx.
        HandlerFault: for any other status than 2xx, and for what cannot be read.
    """
    if 200 <= status < 300:
        return read_outcome(answer, step, did=f"{host} answered {status}")
    if 400 <= status < 500:
        raise StepRefused(f"{host} refused the step with {status}: {words_of(answer)}")
    if 300 <= status < 400:
        raise HandlerFault(f"{host} answered the redirect {status}, which is not followed.")
    raise HandlerFault(f"{host} answered {status}: {words_of(answer)}")
