"""The Ed25519 key that signs exported statements, in a file outside the database.

Without this file, access to the database is not enough to make a checkpoint that verifies.
"""

from __future__ import annotations

import hashlib
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

from governance.domain.errors import InvalidInputError, UnusableKeyError
from governance.record.files import create_private_file


def signing_key() -> Ed25519PrivateKey:
    """Read the key in `GOVSITE_LEDGER_SIGNING_KEY_FILE`; on first use create it with mode 0600.

    Raises:
        InvalidInputError: `unusable_key`, for a file that is not an Ed25519 key in PEM (PKCS 8).
    """
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
    """Read the public key in `path` (PEM), by default that of this site's signing key.

    Raises:
        InvalidInputError: `unusable_key`.
    """
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
    """Return the public key as PEM, for verification elsewhere."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def key_id(key: Ed25519PublicKey) -> str:
    """Return the SHA-256 of the key's DER form, which identifies the key and proves nothing."""
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def _make_key(path: Path) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    try:
        create_private_file(path, pem)
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from None


def _unusable(path: Path, why: str) -> InvalidInputError:
    return UnusableKeyError(f"{path} cannot be used as a key: {why}.")
