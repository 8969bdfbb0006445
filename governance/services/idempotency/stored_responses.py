"""Stored responses of idempotent requests: found, written, and purged after a day.

A response can contain an execution token, of which the record stores only a hash. So a response is
encrypted (AES-256-GCM) under a key derived from the site's secret key and the client's idempotency
key. The idempotency key is stored only as a hash, so the database alone reveals no response.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db.models import Value
from django.utils.encoding import force_bytes

from governance.db.clock import DatabaseNow
from governance.db.rows import fetch_rows
from governance.domain.errors import KeyReusedError, RequestInProgressError, ResponseLostError
from governance.models import IdempotencyRecord

RESPONSE_LIFETIME = timedelta(hours=24)
PURGE_BATCH_SIZE = 5_000
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    """A request that a client may repeat.

    `key` is the client's idempotency key; `request_sha256` identifies account, call and body.
    """

    key: str
    request_sha256: str

    @property
    def key_sha256(self) -> str:
        return hashlib.sha256(self.key.encode()).hexdigest()

    def part(self, name: str) -> IdempotentRequest:
        """Return the request for one of the transactions of this request, by a name of its own."""
        # A client's key contains no NUL, so no client can use the key of a part.
        return IdempotentRequest(f"{self.key}\x00{name}", self.request_sha256)


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """The response to a request: status, the headers that belong to the body, and the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def lock_request(request: IdempotentRequest) -> StoredResponse | None:
    """Lock a request until the transaction ends, and return its stored response, if there is one.

    Raises:
        RequestInProgressError: another transaction has the lock.
        KeyReusedError: the key was used for another request within the last 24 hours.
        WrongStateError: the site's secret key has changed since (`answer_lost`).
    """
    [(is_locked, request_sha256, status, sealed)] = fetch_rows(
        "SELECT * FROM governance_lock_request(%s, %s)", [request.key_sha256, RESPONSE_LIFETIME]
    )
    if not is_locked:
        raise RequestInProgressError("A request with this key is still running; retry later.")
    if request_sha256 is None:
        return None
    if request_sha256 != request.request_sha256:
        raise KeyReusedError.at(
            "Idempotency-Key", "was used for a different request; use a new key for each request"
        )
    if sealed is None:  # a request of several transactions has begun
        return None
    headers, body = _unseal(request, bytes(sealed))
    return StoredResponse(status, headers, body)


def store_response(request: IdempotentRequest, response: StoredResponse | None) -> None:
    """Store the response of the locked request, in the transaction of its writes.

    Args:
        response: None states that a request of several transactions has begun.
    """
    record = IdempotencyRecord(
        key_sha256=request.key_sha256,
        request_sha256=request.request_sha256,
        status=response.status if response else None,
        sealed_answer=_seal(request, response) if response else None,
        kept_at=DatabaseNow(),
    )
    # A request that has begun has its row already.
    IdempotencyRecord.objects.bulk_create(
        [record],
        update_conflicts=True,
        unique_fields=["key_sha256"],
        update_fields=["status", "sealed_answer"],
    )


def purge_stored_responses() -> int:
    """Delete responses older than 24 hours, in small transactions; return their number."""
    purged = 0
    while True:
        oldest = IdempotencyRecord.objects.filter(
            kept_at__lte=DatabaseNow() - Value(RESPONSE_LIFETIME)
        ).order_by("kept_at")
        keys = list(oldest.values_list("pk", flat=True)[:PURGE_BATCH_SIZE])
        if not keys:
            return purged
        purged += IdempotencyRecord.objects.filter(pk__in=keys).delete()[0]


def _seal(request: IdempotentRequest, response: StoredResponse) -> bytes:
    head = json.dumps(dict(response.headers)).encode()
    nonce = secrets.token_bytes(_NONCE_BYTES)
    plain = len(head).to_bytes(4) + head + response.body
    return nonce + _cipher(request, settings.SECRET_KEY).encrypt(nonce, plain, None)


def _unseal(request: IdempotentRequest, sealed: bytes) -> tuple[dict[str, str], bytes]:
    nonce, cipher_text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        try:
            plain = _cipher(request, secret).decrypt(nonce, cipher_text, None)
        except InvalidTag:
            continue
        end = 4 + int.from_bytes(plain[:4])
        return json.loads(plain[4:end]), plain[end:]
    raise ResponseLostError(
        "The stored response cannot be decrypted, because the site's secret has changed; "
        "read the current state."
    )


def _cipher(request: IdempotentRequest, secret: str | bytes) -> AESGCM:
    """Derive the cipher of one key and request; a response in another row cannot be decrypted."""
    derived = HKDF(SHA256(), length=32, salt=None, info=request.request_sha256.encode())
    return AESGCM(derived.derive(force_bytes(secret) + b"\x00" + request.key.encode()))
