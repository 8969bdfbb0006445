"""DSSE envelopes: a payload, its type, and a signature over both.

The signature is over the pre-authentication encoding, so that a payload cannot be used as one of
another type.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from governance.domain.errors import BadEnvelopeError, BadSignatureError
from governance.record.attest.keys import key_id

CHECKPOINT_TYPE = "application/vnd.govsite.checkpoint+json"
STATEMENT_TYPE = "application/vnd.in-toto+json"


def sign_envelope(payload: bytes, *, payload_type: str, key: Ed25519PrivateKey) -> dict[str, Any]:
    """Sign a payload; return the envelope as a JSON object, with `payload` and `sig` in base64."""
    return {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": payload_type,
        "signatures": [
            {
                "keyid": key_id(key.public_key()),
                "sig": base64.b64encode(key.sign(_encoded(payload_type, payload))).decode(),
            }
        ],
    }


def open_envelope(envelope: Any, *, payload_type: str, key: Ed25519PublicKey) -> bytes:
    """Return the payload, if `key` signed it as `payload_type`.

    Raises:
        InvalidInputError: `bad_envelope`, for another form or type; `bad_signature`.
    """
    try:
        payload = _decoded(envelope["payload"])
        stated = envelope["payloadType"]
        signatures = [_decoded(signature["sig"]) for signature in envelope["signatures"]]
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise BadEnvelopeError("This is not a signed envelope.") from None
    if stated != payload_type:
        raise BadEnvelopeError(f"The envelope holds {stated}, not {payload_type}.")
    for signature in signatures:
        try:
            key.verify(signature, _encoded(payload_type, payload))
        except InvalidSignature:
            continue
        return payload
    raise BadSignatureError("No signature of the envelope is by this key.")


def _encoded(payload_type: str, payload: bytes) -> bytes:
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def _decoded(text: Mapping[str, Any] | str) -> bytes:
    if not isinstance(text, str):
        raise TypeError(text)
    return base64.b64decode(text, validate=True)
