"""`export_evidence --signed` and `verify_evidence`, which needs no database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import run, shell
from tests.support.factories import judged_job
from tests.support.users import Users


@pytest.fixture
def exported(users: Users, tmp_path: Path, settings: Any) -> tuple[Path, Path]:
    """Return the paths of the signed file and of the public key."""
    settings.GOVSITE_LEDGER_SIGNING_KEY_FILE = tmp_path / "ledger_key.pem"
    file, key = tmp_path / "evidence.dsse.json", tmp_path / "key.pub"
    assert run("export_evidence", judged_job(users).pk, "--signed", "--output", file).code == 0
    key.write_text(run("checkpoint_ledger", "--public-key").out)
    return file, key


def test_signed_file__checked_without_a_database__says_what_it_proves(
    exported: tuple[Path, Path],
) -> None:
    file, key = exported
    nowhere = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"}
    ran = shell("verify_evidence", file, "--key", key, "--json", environment=nowhere)
    assert ran.returncode == 0, ran.stderr
    proven = json.loads(ran.stdout)
    assert (proven["job_status"], proven["entries"]) == ("COMPLETED", 12)


def test_changed_file__is_refused_with_1(exported: tuple[Path, Path]) -> None:
    file, key = exported
    file.write_text(file.read_text().replace('"payload":"', '"payload":"AAAA'))
    ran = run("verify_evidence", file, "--key", key)
    assert ran.code == 1
    assert "(bad_signature)" in ran.err


def test_other_key__is_refused(exported: tuple[Path, Path], settings: Any) -> None:
    file, _ = exported
    settings.GOVSITE_LEDGER_SIGNING_KEY_FILE = file.parent / "another.pem"
    assert "(bad_signature)" in run("verify_evidence", file).err


@pytest.mark.parametrize("text", ["", "{", "[]", "not an envelope"])
def test_file_that_is_no_envelope__is_refused(exported: tuple[Path, Path], text: str) -> None:
    file, key = exported
    file.write_text(text)
    ran = run("verify_evidence", file, "--key", key)
    assert (ran.code, "Traceback" in ran.err) == (1, False)


def test_key_that_is_none__is_refused(exported: tuple[Path, Path]) -> None:
    file, key = exported
    key.write_text("not a key")
    ran = run("verify_evidence", file, "--key", key)
    assert ran.code == 1
    assert "(unusable_key)" in ran.err
