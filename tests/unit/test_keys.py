"""The signing key of the record: created once, validated whenever it is read."""

from __future__ import annotations

import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from governance.domain.errors import InvalidInputError
from governance.record.attest.keys import public_key, public_pem, signing_key


@pytest.fixture
def key_file(tmp_path: Path, settings: Any) -> Path:
    settings.GOVSITE_LEDGER_SIGNING_KEY_FILE = tmp_path / "keys" / "ledger.pem"
    return Path(settings.GOVSITE_LEDGER_SIGNING_KEY_FILE)


def write_private(path: Path, key: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def test_key__first_asked_for__made_for_its_owner_alone_and_kept(key_file: Path) -> None:
    first = public_pem(signing_key().public_key())
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert public_pem(signing_key().public_key()) == first
    assert [path.name for path in key_file.parent.iterdir()] == ["ledger.pem"]


def test_key__first_asked_for_by_many_at_once__all_get_the_same(key_file: Path) -> None:
    start, keys = threading.Barrier(8), []

    def ask() -> None:
        start.wait()
        keys.append(public_pem(signing_key().public_key()))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(keys), len(set(keys))) == (8, 1)


def is_text(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("not a key")


def is_of_another_kind(path: Path) -> None:
    write_private(path, ec.generate_private_key(ec.SECP256R1()))


def is_a_folder(path: Path) -> None:
    path.mkdir(parents=True)


def lies_below_a_file(path: Path) -> None:
    path.parent.write_text("in the way")


@pytest.mark.parametrize("spoil", [is_text, is_of_another_kind, is_a_folder, lies_below_a_file])
def test_signing_key__that_cannot_be_one__refused_with_its_path(
    key_file: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(key_file)
    with pytest.raises(InvalidInputError, match=str(key_file)) as refusal:
        signing_key()
    assert refusal.value.code == "unusable_key"


def test_public_key__ours_or_from_a_file__the_same(key_file: Path, tmp_path: Path) -> None:
    ours = public_pem(public_key())
    copy = tmp_path / "public.pem"
    copy.write_text(ours)
    assert public_pem(public_key(copy)) == ours


@pytest.mark.parametrize("content", ["text", "private", "other kind", "absent"])
def test_public_key__from_a_file_without_one__refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "public.pem"
    if content == "text":
        path.write_text("not a key")
    elif content == "private":
        write_private(path, Ed25519PrivateKey.generate())
    elif content == "other kind":
        key = ec.generate_private_key(ec.SECP256R1()).public_key()
        path.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    with pytest.raises(InvalidInputError) as refusal:
        public_key(path)
    assert refusal.value.code == "unusable_key"
