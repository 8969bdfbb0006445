"""`import_review_verdicts`: validator and eligibility verdicts on drafts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from governance.models import SystemContract
from governance.record.ledger.verification import verify_ledger
from tests.support.commands import run, write_lines
from tests.support.factories import MAY, MAY_NOT, VALIDATOR_VERDICT, eligible, reloaded
from tests.support.succession import modified
from tests.support.users import Users

NAME = "import_review_verdicts"


def verdict_line(contract: SystemContract, **changes: Any) -> dict[str, Any]:
    verdicts = {"validator_verdict": VALIDATOR_VERDICT, "eligibility_verdict": MAY}
    return {"contract_id": str(contract.pk)} | verdicts | changes


def imported(tmp_path: Path, *lines: Any, code: int = 0) -> Any:
    ran = run(NAME, write_lines(tmp_path / "verdicts", list(lines)), "--as", "operator", "--json")
    assert ran.code == code, ran.err
    return ran.json()


def test_verdicts__of_modified_contracts__make_them_eligible_or_reject_them(
    users: Users, tmp_path: Path
) -> None:
    may, may_not = modified(users), modified(users)
    tally = imported(
        tmp_path, verdict_line(may), verdict_line(may_not, eligibility_verdict=MAY_NOT)
    )
    assert (tally["eligible"], tally["rejected_may_not"]) == (1, 1)
    assert (reloaded(may).status, reloaded(may_not).status) == ("ELIGIBLE", "REJECTED")
    # A second import of the same file changes nothing.
    tally = imported(
        tmp_path, verdict_line(may), verdict_line(may_not, eligibility_verdict=MAY_NOT)
    )
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
def test_json_line__invalid__is_named_and_the_rest_is_recorded(
    users: Users, tmp_path: Path, changes: dict[str, Any], field: str | None, code: str
) -> None:
    bad, good = modified(users), modified(users)
    tally = imported(tmp_path, verdict_line(bad, **changes), verdict_line(good), code=1)
    [bad_line] = tally["bad_lines"]
    assert (bad_line["line"], bad_line["field"], bad_line["code"]) == (1, field, code)
    assert (reloaded(bad).status, reloaded(good).status) == ("DRAFT", "ELIGIBLE")


def test_verdicts__other_than_those_on_record__are_refused(users: Users, tmp_path: Path) -> None:
    contract = eligible(users)
    other = VALIDATOR_VERDICT | {"severity": "high"}
    tally = imported(tmp_path, verdict_line(contract, validator_verdict=other), code=1)
    assert tally["bad_lines"][0]["code"] == "invalid_transition"
