"""Effects of a removal on other contracts: references stay reserved, hash chains stay valid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from governance.domain.errors import DuplicateContractError, GovernanceError
from governance.flows.propose_contract import propose_contract, record_review_verdicts
from governance.flows.review_contract import reject_contract
from governance.models import SystemContract
from tests.support.archives import AT_REST, archive, findings, path_of, remove
from tests.support.attacks import run_sql
from tests.support.factories import MAY, MAY_NOT, VALIDATOR_VERDICT, proposal_document, reloaded
from tests.support.roles import as_owner
from tests.support.succession import modified
from tests.support.users import Users


# --- reserved references and valid hash chains ---
def test_proposal__that_was_archived_and_removed__is_a_duplicate_for_ever(
    committed: Users, tmp_path: Path
) -> None:
    document = proposal_document()

    def propose() -> Any:
        return propose_contract(
            document=document,
            validator_verdict=VALIDATOR_VERDICT,
            eligibility_verdict=MAY,
            proposer=committed.operator,
        )

    contract, _ = propose()
    reject_contract(contract_id=contract.pk, founder=committed.founder, reason="Not this quarter.")
    archive(tmp_path)
    remove(tmp_path)
    with pytest.raises(GovernanceError) as refusal:
        propose()
    assert isinstance(refusal.value, DuplicateContractError)


def turned_down_revision(users: Users, **changes: Any) -> SystemContract:
    """Return a REJECTED successor of a REJECTED contract; its eligibility verdict is MAY_NOT."""
    return record_review_verdicts(
        contract_id=modified(users, **changes).pk,
        validator_verdict=VALIDATOR_VERDICT,
        eligibility_verdict=MAY_NOT,
        actor=users.operator,
    )


def only(folder: Path, contract: SystemContract) -> None:
    """Reduce the archive's manifest to this contract."""
    manifest = folder / "manifest.jsonl"
    lines = manifest.read_text().splitlines(keepends=True)
    manifest.write_text("".join(line for line in lines if str(contract.pk) in line))


def test_parent__that_was_removed__its_successor_verifies(committed: Users, tmp_path: Path) -> None:
    parent = AT_REST["superseded"](committed)
    archive(tmp_path)
    assert remove(tmp_path).out == "1 removed; 0 removed before, 0 kept\n"
    assert findings() == []
    assert SystemContract.objects.get().parent_id == parent.pk
    # Without the tombstone, verification must report the missing parent.
    with as_owner():
        run_sql("ALTER TABLE governance_contracttombstone DISABLE TRIGGER ALL")
        run_sql("DELETE FROM governance_contracttombstone")
    [finding] = findings()
    assert finding.problem == "the contract that it replaces is missing, or is not REJECTED"


def test_successor__that_was_removed__its_parent_verifies(committed: Users, tmp_path: Path) -> None:
    child = turned_down_revision(committed)
    archive(tmp_path)
    only(tmp_path, child)
    assert remove(tmp_path).out == "1 removed; 0 removed before, 0 kept\n"
    assert SystemContract.objects.get().pk == child.parent_id
    assert findings() == []
    # The parent's archive file is the same before and after the removal of its successor.
    archive(tmp_path / "again")
    assert path_of(tmp_path, reloaded(child.parent)).read_bytes() == (
        path_of(tmp_path / "again", reloaded(child.parent)).read_bytes()
    )
    assert remove(tmp_path / "again").out == "1 removed; 0 removed before, 0 kept\n"
    assert findings() == []


def test_revision__of_a_name_that_was_removed__gets_the_next_one(
    committed: Users, tmp_path: Path
) -> None:
    assert turned_down_revision(committed, reference="SHOP-9").reference == "SHOP-9 (rev 2)"
    archive(tmp_path)
    assert remove(tmp_path).out == "2 removed; 0 removed before, 0 kept\n"
    another = modified(committed, reference="SHOP-9 (rev 1)", title="Another title")
    assert another.reference == "SHOP-9 (rev 3)"
