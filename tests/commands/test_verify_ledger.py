"""`verify_ledger` as an operator and a script meet it."""

from __future__ import annotations

import json
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import call_command

from governance.management.base import PartlyRefused
from tests.support.cast import Cast
from tests.support.stories import finished_job, judged_job
from tests.support.tampering import run_sql


def verify(*arguments: str) -> tuple[str, int]:
    """(standard output, exit code)."""
    out = StringIO()
    try:
        call_command("verify_ledger", *arguments, stdout=out)
    except PartlyRefused as refusal:
        return out.getvalue(), refusal.exit_code
    return out.getvalue(), 0


def test_whole_ledger__says_what_was_checked_and_exits_0(cast: Cast) -> None:
    judged_job(cast)
    finished_job(cast)
    assert verify() == ("2 contracts, 23 entries, 0 with findings\n", 0)


def test_rewritten_result__names_contract_and_entry_and_exits_1(cast: Cast) -> None:
    contract = judged_job(cast).contract
    run_sql("UPDATE governance_stepresult SET output = '{}' WHERE step_index = 1")
    text, code = verify()
    assert code == 1
    assert f"contract {contract.pk}, entry 9: " in text


def test_json__one_document_for_programs(cast: Cast) -> None:
    contract = judged_job(cast).contract
    run_sql("DELETE FROM governance_ledgerentry WHERE seq = 12")
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


@pytest.mark.django_db
def test_unknown_contract__is_a_finding() -> None:
    missing = str(uuid4())
    text, code = verify(missing)
    assert (code, text.splitlines()[0]) == (
        1,
        f"contract {missing}, entry 1: there is no such contract",
    )
