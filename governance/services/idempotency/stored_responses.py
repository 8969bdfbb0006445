"""Answers that are kept for a day, so that a call may be sent again: found, written, purged.

An answer can hold an execution token, of which the record keeps only a hash. So it is sealed
(AES-256-GCM) under a key made of the site's secret and the client's idempotency key, which is kept
only as a hash itself: who reads the database alone reads no answer.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import connection
from django.utils.encoding import force_bytes

from governance.domain.errors import (
    KeyReusedError,
    RequestInProgressError,
    WrongStateError,
)
from governance.models import IdempotencyRecord

RESPONSE_LIFETIME = timedelta(hours=24)
PURGE_BATCH_SIZE = 5_000
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    """A call that a client may send again.

    `key` is the client's own, `request_sha256` says who called what with which body.
    """

    key: str
    request_sha256: str

    @property
    def key_sha256(self) -> str:
        return hashlib.sha256(self.key.encode()).hexdigest()

    def part(self, name: str) -> IdempotentRequest:
        """One of several stories of which the call is made, by a name of its own."""
        # NUL stands in no key, so no client can name a part.
        return IdempotentRequest(f"{self.key}\x00{name}", self.request_sha256)


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """What a call was answered: its status, the headers that belong to the body, its bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def lock_request(request: IdempotentRequest, *, at: datetime) -> IdempotencyRecord | None:
    """Have the call to oneself until the transaction ends; what is kept of it, None if nothing is.

    Raises RequestInProgressError while somebody else carries it out, KeyReusedError if its key
    stood for another call within the last 24 hours.
    """
    # Locks like this one belong to the database; keys belong to the schema.
    name = f"{settings.GOVSITE_SCHEMA} {request.key_sha256}"
    lock = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [lock])
        (is_ours,) = cursor.fetchone()
    if not is_ours:
        raise RequestInProgressError("This very call is being carried out; ask again.")
    # Only now: a statement that also took the lock would not see what its last owner committed.
    stored = IdempotencyRecord.objects.filter(key_sha256=request.key_sha256).first()
    if stored is None:
        return None
    if stored.kept_at <= at - RESPONSE_LIFETIME:
        IdempotencyRecord.objects.filter(pk=stored.pk).delete()
        return None
    if stored.request_sha256 != request.request_sha256:
        raise KeyReusedError.at(
            "Idempotency-Key", "stands for another call; each call has a key of its own"
        )
    return stored


def store_response(request: IdempotentRequest, response: StoredResponse, *, at: datetime) -> None:
    """Keep what the locked call was answered, in the transaction of what it did."""
    IdempotencyRecord.objects.create(
        key_sha256=request.key_sha256,
        request_sha256=request.request_sha256,
        status=response.status,
        sealed_answer=_seal(request, response),
        kept_at=at,
    )


def store_start(request: IdempotentRequest, *, at: datetime) -> None:
    """Keep that the locked call, which is made of several stories, has begun."""
    IdempotencyRecord.objects.create(
        key_sha256=request.key_sha256, request_sha256=request.request_sha256, kept_at=at
    )


def store_final_response(request: IdempotentRequest, response: StoredResponse) -> None:
    """Keep what a call was answered that has begun; the first one to end it wins."""
    IdempotencyRecord.objects.filter(key_sha256=request.key_sha256, status=None).update(
        status=response.status, sealed_answer=_seal(request, response)
    )


def stored_response(request: IdempotentRequest, stored: IdempotencyRecord) -> StoredResponse | None:
    """The answer as it was given, byte for byte; None while the call has only begun.

    Raises WrongStateError (`answer_lost`) if the site's secret key is another one since.
    """
    if stored.sealed_answer is None or stored.status is None:
        return None
    headers, body = _unseal(request, bytes(stored.sealed_answer))
    return StoredResponse(stored.status, headers, body)


def purge_stored_responses(*, at: datetime) -> int:
    """Remove answers older than 24 hours, in small transactions; how many there were."""
    purged = 0
    while True:
        oldest = IdempotencyRecord.objects.filter(kept_at__lte=at - RESPONSE_LIFETIME).order_by(
            "kept_at"
        )
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
    raise WrongStateError(
        "This call was answered, but the site's secret has changed since: read what came of it.",
        code="answer_lost",
    )


def _cipher(request: IdempotentRequest, secret: str | bytes) -> AESGCM:
    """For this call and request alone: an answer moved to another row does not open."""
    derived = HKDF(SHA256(), length=32, salt=None, info=request.request_sha256.encode())
    return AESGCM(derived.derive(force_bytes(secret) + b"\x00" + request.key.encode()))
