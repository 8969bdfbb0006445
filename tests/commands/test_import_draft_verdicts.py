"""A file of what the validator and the gate say of drafts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from governance.ledger.verification import verify_ledger
from governance.models import SystemContract
from tests.support.cast import Cast
from tests.support.commands import run, write_lines
from tests.support.stories import MAY, MAY_NOT, VALIDATOR_VERDICT, again, eligible
from tests.support.succession import modified

NAME = "import_draft_verdicts"


def line(contract: SystemContract, **changes: Any) -> dict[str, Any]:
    said = {"validator_verdict": VALIDATOR_VERDICT, "eligibility_verdict": MAY}
    return {"contract_id": str(contract.pk)} | said | changes


def imported(tmp_path: Path, *lines: Any, code: int = 0) -> Any:
    ran = run(NAME, write_lines(tmp_path / "verdicts", list(lines)), "--as", "operator", "--json")
    assert ran.code == code, ran.err
    return ran.json()


def test_verdicts__of_modified_contracts__make_them_eligible_or_reject_them(
    cast: Cast, tmp_path: Path
) -> None:
    may, may_not = modified(cast), modified(cast)
    tally = imported(tmp_path, line(may), line(may_not, eligibility_verdict=MAY_NOT))
    assert (tally["eligible"], tally["rejected_may_not"]) == (1, 1)
    assert (again(may).status, again(may_not).status) == ("ELIGIBLE", "REJECTED")
    # The same file again changes nothing.
    tally = imported(tmp_path, line(may), line(may_not, eligibility_verdict=MAY_NOT))
    assert (tally["already_there"], tally["bad_lines"]) == (2, [])
    assert [checked.finding for checked in verify_ledger() if checked.finding] == []


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"contract_id": "no id"}, "contract_id", "invalid_input"),
        ({"contract_id": 7}, "contract_id", "invalid_input"),
        ({"contract_id": "00000000-0000-7000-8000-000000000000"}, None, "contract_not_found"),
        ({"validator_verdict": None}, "validator_verdict", "invalid_verdict"),
        (
            {"eligibility_verdict": MAY | {"decision": "MAYBE"}},
            "eligibility_verdict.decision",
            "invalid_verdict",
        ),
        ({"reference": "x"}, "reference", "invalid_input"),
    ],
)
def test_line__that_does_not_fit__is_named_and_the_rest_is_recorded(
    cast: Cast, tmp_path: Path, changes: dict[str, Any], field: str | None, code: str
) -> None:
    bad, good = modified(cast), modified(cast)
    tally = imported(tmp_path, line(bad, **changes), line(good), code=1)
    [told] = tally["bad_lines"]
    assert (told["line"], told["field"], told["code"]) == (1, field, code)
    assert (again(bad).status, again(good).status) == ("DRAFT", "ELIGIBLE")


def test_verdicts__other_than_those_on_record__are_refused(cast: Cast, tmp_path: Path) -> None:
    contract = eligible(cast)
    other = VALIDATOR_VERDICT | {"severity": "high"}
    tally = imported(tmp_path, line(contract, validator_verdict=other), code=1)
    assert tally["bad_lines"][0]["code"] == "invalid_transition"
