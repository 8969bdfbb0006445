"""The files of secrets: which are read, which are refused, and what hides their values."""

from __future__ import annotations

import os
from base64 import b64encode
from pathlib import Path

import pytest

from governance.authorities.executor.secret_files import SecretFiles, StepSecrets
from governance.domain.errors import UnusableSecretError
from tests.support.steps import write_secret


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_secret__of_its_owner_alone__is_read_without_its_line_break(
    tmp_path: Path, mode: int
) -> None:
    write_secret(tmp_path, "db.password", "s3cret \n", mode)
    assert SecretFiles(tmp_path).read("secret://db.password") == "s3cret "


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o660])
def test_secret__open_to_others__is_refused(tmp_path: Path, mode: int) -> None:
    write_secret(tmp_path, "db", "s3cret", mode)
    with pytest.raises(UnusableSecretError, match="needs mode 0600"):
        SecretFiles(tmp_path).read("secret://db")


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("secret://absent", "cannot be read"),
        ("secret://../outside", "is not a reference"),
        ("secret://.hidden", "is not a reference"),
        ("secret://a/b", "is not a reference"),
        ("plain", "is not a reference"),
        ("secret://folder", "cannot be read: Is a directory"),
        ("secret://pipe", "is not a file"),
        ("secret://binary", "is not UTF-8"),
        ("secret://empty", "is empty"),
        ("secret://large", "is larger than 64 KiB"),
    ],
)
def test_secret__that_cannot_be_used__is_refused_without_its_content(
    tmp_path: Path, reference: str, words: str
) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    write_secret(tmp_path, "binary", b"\xff")
    write_secret(tmp_path, "empty", "\n")
    write_secret(tmp_path, "large", "x" * (64 * 1024 + 1))
    with pytest.raises(UnusableSecretError, match=words) as refused:
        SecretFiles(tmp_path).read(reference)
    assert refused.value.errors[0]["path"] == reference


def test_secret__without_a_folder__says_which_setting_is_missing() -> None:
    with pytest.raises(UnusableSecretError, match="GOVSITE_SECRETS_DIR"):
        SecretFiles(None).read("secret://db")


def test_references__in_a_change__are_resolved_wherever_they_are(tmp_path: Path) -> None:
    write_secret(tmp_path, "db", "s3cret")
    secrets = StepSecrets(SecretFiles(tmp_path))
    change = {"key": "secret", "new_value": [{"password": "secret://db"}, 5, None]}
    assert secrets.resolve(change) == {
        "key": "secret",
        "new_value": [{"password": "s3cret"}, 5, None],
    }


def test_text__that_only_begins_like_a_reference__is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableSecretError, match="is not a reference"):
        StepSecrets(SecretFiles(tmp_path)).resolve("secret://?")


def test_resolved_secret__in_any_form__is_hidden_by_its_reference(tmp_path: Path) -> None:
    secret = 'p"ä ss/word'
    write_secret(tmp_path, "db", secret)
    secrets = StepSecrets(SecretFiles(tmp_path))
    secrets.resolve("secret://db")
    encoded = b64encode(secret.encode()).decode()
    shown = secrets.hide(
        {"did": [f"set {secret}", f"sent {encoded}", "p%22%C3%A4%20ss%2Fword", 'p\\"ä ss/word', 7]}
    )
    reference = "secret://db"
    assert shown == {
        "did": [f"set {reference}", f"sent {reference}", reference, reference, 7],
    }


def test_secret__that_contains_another__is_hidden_whole(tmp_path: Path) -> None:
    write_secret(tmp_path, "short", "abc")
    write_secret(tmp_path, "long", "abcdef")
    secrets = StepSecrets(SecretFiles(tmp_path))
    secrets.resolve(["secret://short", "secret://long"])
    assert secrets.hide("abcdef and abc") == "secret://long and secret://short"


def test_secret__of_a_routes_options__is_hidden_in_every_step(tmp_path: Path) -> None:
    write_secret(tmp_path, "hook", "s3cret")
    files = SecretFiles(tmp_path)
    files.read("secret://hook")
    assert StepSecrets(files).hide("sent s3cret") == "sent secret://hook"
    assert StepSecrets(files.unused()).hide("sent s3cret") == "sent s3cret"
