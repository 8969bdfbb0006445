"""`verify_ledger`: its output for operators and its exit codes for scripts."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from governance.domain.errors import InvalidInputError
from governance.management.base import PartlyRefused
from tests.support.factories import finished_job, judged_job
from tests.support.tampering import tamper
from tests.support.users import Users


def verify(*arguments: str) -> tuple[str, int]:
    """Run `verify_ledger` and return its standard output and exit code."""
    out = StringIO()
    try:
        call_command("verify_ledger", *arguments, stdout=out)
    except PartlyRefused as refusal:
        return out.getvalue(), refusal.exit_code
    return out.getvalue(), 0


def test_whole_ledger__says_what_was_checked_and_exits_0(users: Users) -> None:
    judged_job(users)
    finished_job(users)
    assert verify() == ("2 contracts, 23 entries, 0 with findings\n", 0)


def test_rewritten_result__names_contract_and_entry_and_exits_1(users: Users) -> None:
    contract = judged_job(users).contract
    tamper("UPDATE governance_stepresult SET output = '{}' WHERE step_index = 1")
    text, code = verify()
    assert code == 1
    assert f"contract {contract.pk}, entry 9: " in text


def test_json__one_document_for_programs(users: Users) -> None:
    contract = judged_job(users).contract
    tamper("DELETE FROM governance_ledgerentry WHERE seq = 12")
    text, code = verify("--json")
    document = json.loads(text)
    assert code == 1
    assert (document["contracts"], document["entries"]) == (1, 11)
    assert document["findings"] == [
        {
            "contract_id": str(contract.pk),
            "seq": 12,
            "problem": "the contract is COMPLETED, but the last entry says ACTIVE",
        }
    ]


def test_two_jobs__say_what_one_says(committed: Users) -> None:
    for _ in range(2):
        judged_job(committed)
    tamper("UPDATE governance_stepresult SET output = '{}' WHERE step_index = 1")
    assert verify("--jobs", "2") == verify()
    assert verify("--jobs", "2", "--json") == verify("--json")


@pytest.mark.parametrize("jobs", ["0", "65", "all"])
def test_jobs__that_are_no_number_of_processes__are_refused(jobs: str) -> None:
    with pytest.raises(CommandError, match="is not a whole number from 1 to 64"):
        verify("--jobs", jobs)


@pytest.mark.django_db
def test_unknown_contract__is_a_finding() -> None:
    missing = str(uuid4())
    text, code = verify(missing)
    assert (code, text.splitlines()[0]) == (
        1,
        f"contract {missing}, entry 1: there is no such contract",
    )


@pytest.fixture
def own_key(tmp_path: Path, settings: Any) -> Path:
    """Configure a signing key for one test; the first command that needs it creates it."""
    settings.GOVSITE_LEDGER_SIGNING_KEY_FILE = tmp_path / "ledger_key.pem"
    return tmp_path


def test_checkpoint__written_and_verified__says_so(users: Users, own_key: Path) -> None:
    judged_job(users)
    file = own_key / "today.checkpoint"
    error_output = StringIO()
    call_command("checkpoint_ledger", "--output", str(file), stderr=error_output)
    assert error_output.getvalue() == f"{file}: 1 chains, signed\n"
    assert (own_key / "ledger_key.pem").stat().st_mode & 0o777 == 0o600
    text, code = verify("--checkpoint", str(file))
    assert code == 0
    assert text.startswith("checkpoint of ")
    assert ": 1 chains, signed\n" in text


def test_checkpoint__of_more_than_is_there__names_the_first_missing_entry(
    users: Users, own_key: Path
) -> None:
    contract = judged_job(users).contract
    out = StringIO()
    call_command("checkpoint_ledger", stdout=out)
    (own_key / "c").write_text(out.getvalue())
    tamper("DELETE FROM governance_ledgerentry")
    tamper("DELETE FROM governance_systemcontract")
    text, code = verify("--checkpoint", str(own_key / "c"))
    assert code == 1
    assert f"contract {contract.pk}, entry 1: is missing" in text


def test_checkpoint__and_the_chain_both_find_something__the_first_bad_entry_is_named_once(
    users: Users, own_key: Path
) -> None:
    early, late = judged_job(users).contract, judged_job(users).contract
    out = StringIO()
    call_command("checkpoint_ledger", stdout=out)
    (own_key / "c").write_text(out.getvalue())
    tamper(
        "UPDATE governance_ledgerentry SET hash = sha256(prev_hash || convert_to(body || ' ',"
        f" 'UTF8')), body = body || ' ' WHERE seq = 5 AND contract_id = '{early.pk}'"
    )
    tamper(f"UPDATE governance_systemcontract SET title = 'Other' WHERE id = '{late.pk}'")
    tamper(f"DELETE FROM governance_ledgerentry WHERE seq = 12 AND contract_id = '{late.pk}'")
    text, _ = verify("--checkpoint", str(own_key / "c"))
    assert sorted(line for line in text.splitlines() if ", entry " in line) == [
        f"contract {early.pk}, entry 5: differs from the checkpoint",
        f"contract {late.pk}, entry 1: the recorded data is not what proposal_sha256 vouches for",
    ]


def test_checkpoint__verified_elsewhere_with_the_public_key_alone(
    users: Users, own_key: Path, settings: Any
) -> None:
    judged_job(users)
    pem, lines = StringIO(), StringIO()
    call_command("checkpoint_ledger", "--public-key", stdout=pem)
    call_command("checkpoint_ledger", stdout=lines)
    (own_key / "key.pub").write_text(pem.getvalue())
    (own_key / "c").write_text(lines.getvalue())
    settings.GOVSITE_LEDGER_SIGNING_KEY_FILE = own_key / "another.pem"
    arguments = ("--checkpoint", str(own_key / "c"))
    assert verify(*arguments, "--key", str(own_key / "key.pub"))[1] == 0
    with pytest.raises(InvalidInputError) as refusal:
        verify(*arguments)
    assert refusal.value.code == "bad_signature"
