"""The handler `http`: posts a step as signed JSON to one address, and reads what was done.

The request is signed by Standard Webhooks, and its `webhook-id` is the same whenever the same step
of a job is sent. The host's name is resolved once, and only to public addresses unless the route
allows private ones. No redirect is followed, and nothing is sent twice.
"""

from __future__ import annotations

import json
from base64 import b64decode
from binascii import Error as Base64Error
from datetime import UTC, datetime

from standardwebhooks.webhooks import Webhook

from governance.authorities.executor.handlers.http_target import (
    HttpAnswer,
    host_of,
    require_url,
    send_request,
)
from governance.authorities.executor.handlers.step_documents import (
    read_outcome,
    step_document,
    words_of,
)
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
        body = _request_body(step)
        answer = send_request(
            "POST",
            self._url,
            headers=self._headers(step, body),
            content=body,
            allow_private=self._allow_private,
            seconds_left=step.seconds_left,
        )
        return _outcome(answer, step)

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
    url = require_url(options, allow_private=allow_private)
    host = host_of(url)
    if host not in (one.lower() for one in options.texts("hosts", default=[host])):
        raise options.error("hosts", f"must name {host}, the host of url")
    key = options.text("secret")
    try:
        _webhook(secrets.read(key))
    except ValueError as error:
        raise options.error("secret", str(error)) from None
    return HttpHandler(url=url, key=key, secrets=secrets, allow_private=allow_private)


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


def _outcome(answer: HttpAnswer, step: Step) -> StepOutcome:
    """Return the outcome that an answer reports.

    Raises:
        StepRefused: for 4xx.
        HandlerFault: for any other status than 2xx, and for what cannot be read.
    """
    host, status = answer.host, answer.status
    if 200 <= status < 300:
        return read_outcome(answer.body, step, did=f"{host} answered {status}")
    if 400 <= status < 500:
        raise StepRefused(f"{host} refused the step with {status}: {words_of(answer.body)}")
    if 300 <= status < 400:
        raise HandlerFault(f"{host} answered the redirect {status}, which is not followed.")
    raise HandlerFault(f"{host} answered {status}: {words_of(answer.body)}")
