"""The signature of an archive's manifest: Ed25519 over the Merkle root of its lines."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from governance.domain.canonical import canonical_text, timestamp
from governance.domain.errors import BadArchiveError
from governance.record.attest.envelopes import open_envelope, sign_envelope
from governance.record.attest.merkle import MerkleTree
from governance.record.files import replaced_file
from governance.record.retention.archive_directory import ArchiveDirectory, manifest_lines

SIGNATURE = "manifest.signature.json"
ARCHIVE_TYPE = "application/vnd.govsite.archive+json"
VERSION = "1.0.0"


@dataclass(frozen=True, slots=True)
class SignedManifest:
    """The signed facts: when the manifest was signed, and how many contracts it listed."""

    signed_at: str
    contracts: int


def sign_manifest(archive: ArchiveDirectory, *, key: Ed25519PrivateKey, at: datetime) -> None:
    """Sign the present manifest, and replace an older signature."""
    tree = _tree_of(archive.folder)
    statement = {
        "version": VERSION,
        "signed_at": timestamp(at),
        "contracts": tree.size,
        "merkle_root": tree.root.hex(),
    }
    envelope = sign_envelope(canonical_text(statement).encode(), payload_type=ARCHIVE_TYPE, key=key)
    with replaced_file(archive.folder / SIGNATURE) as file:
        file.write(canonical_text(envelope) + "\n")


def require_signature(folder: Path, *, key: Ed25519PublicKey) -> SignedManifest:
    """Check that `key` signed the present manifest, and return the signed facts.

    Raises:
        InvalidInputError: `bad_archive`, if there is no signature or the lines differ;
            `bad_envelope`; `bad_signature`.
    """
    try:
        envelope = json.loads((folder / SIGNATURE).read_text(encoding="utf-8", errors="replace"))
    except (FileNotFoundError, ValueError, RecursionError):
        raise BadArchiveError(f"{folder} has no readable {SIGNATURE}.") from None
    signed = json.loads(open_envelope(envelope, payload_type=ARCHIVE_TYPE, key=key))
    tree = _tree_of(folder)
    if (signed["contracts"], signed["merkle_root"]) != (tree.size, tree.root.hex()):
        raise BadArchiveError("The manifest's lines are not those that were signed.")
    return SignedManifest(signed["signed_at"], signed["contracts"])


def _tree_of(folder: Path) -> MerkleTree:
    tree = MerkleTree()
    for line in manifest_lines(folder):
        tree.add(line.encode())
    return tree
