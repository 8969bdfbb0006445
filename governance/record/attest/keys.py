"""The key that signs what leaves the house: Ed25519, kept in a file outside the database.

Who has the database but not this file cannot make a checkpoint that verifies.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from django.conf import settings

from governance.domain.errors import InvalidInputError


def signing_key() -> Ed25519PrivateKey:
    """Read `GOVSITE_LEDGER_SIGNING_KEY_FILE` (PEM, PKCS 8); make it, mode 0600, on first use."""
    path = Path(settings.GOVSITE_LEDGER_SIGNING_KEY_FILE)
    if not path.exists():
        _make_key(path)
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _unusable(path, str(error)) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise _unusable(path, "it is not an Ed25519 key")
    return key


def public_key(path: Path | None = None) -> Ed25519PublicKey:
    """The public key in `path` (PEM), or that of our own signing key."""
    if path is None:
        return signing_key().public_key()
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise _unusable(path, str(error)) from None
    if not isinstance(key, Ed25519PublicKey):
        raise _unusable(path, "it is not an Ed25519 key")
    return key


def public_pem(key: Ed25519PublicKey) -> str:
    """The key as others need it to verify."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def key_id(key: Ed25519PublicKey) -> str:
    """SHA-256 of the key's DER form: names the key, proves nothing."""
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def _make_key(path: Path) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=path.parent)  # 0600
        with os.fdopen(handle, "wb") as file:
            file.write(pem)
        # The link makes the whole file appear at once; of two makers one wins.
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        os.unlink(draft)
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from None


def _unusable(path: Path, why: str) -> InvalidInputError:
    return InvalidInputError(f"{path} cannot be used as a key: {why}.", code="unusable_key")
