"""ROLLBACK: raw SQL makes no rollback that is anything else than the undoing of its contract."""

from __future__ import annotations

import json
from typing import Any

import pytest

from governance.domain.changes import CHANGE_TYPES
from governance.domain.rollbacks import settings_set_by
from governance.models import SystemContract
from governance.models.fields import new_id
from tests.support.attacks import run_sql, trigger_off, update_row, violates_constraint
from tests.support.contracts import insert_copy
from tests.support.factories import eligible, failed_job, judged_job, reloaded
from tests.support.forgery import CONTRACT
from tests.support.rollbacks import CHANGES, UNDONE, failed_contract, register_search, rollback_of
from tests.support.users import Users


@pytest.fixture
def rollback(users: Users) -> SystemContract:
    """Return an open rollback of three steps."""
    register_search(users)
    found: SystemContract = reloaded(rollback_of(failed_contract(users, steps=3)))
    return found


class TestROLLBACKInPostgres:
    def test_second_open_rollback__refused(self, rollback: SystemContract) -> None:
        with violates_constraint("contract_one_open_rollback"):
            insert_copy(rollback)

    @pytest.mark.parametrize(
        "columns",
        [
            {"proposed_changes": UNDONE[::-1]},
            {"proposed_changes": [*UNDONE, UNDONE[0]]},
            {"proposed_changes": []},
            {"proposed_changes": [UNDONE[1] | {"new_value": 21}]},
            {"proposed_changes": [CHANGES[0]]},
            {"proposed_changes": [{**UNDONE[0], "parameters": {}}]},
            {"proposed_changes": [{**UNDONE[0], "parameters": {"limit": 6}}]},
            {"proposed_changes": [{**UNDONE[0], "parameters": {"limit": 5, "other": 1}}]},
            {"risk_level": "critical"},
            {"risk_asked": "low"},
            {"requested_by": "somebody else"},
            {"affected_capabilities": ["Search", "Other"]},
            {"validator_verdict": {"severity": "low"}},
            {"status": "DRAFT"},
        ],
        ids=str,
    )
    def test_rollback__of_anything_else__refused(
        self, rollback: SystemContract, columns: dict[str, Any]
    ) -> None:
        with violates_constraint("contract_rolls_back"):
            insert_copy(rollback, **columns)

    def test_rollback__proposed_by_a_person__refused(
        self, users: Users, rollback: SystemContract
    ) -> None:
        with violates_constraint("contract_rolls_back"):
            insert_copy(rollback, proposed_by_id=users.operator.pk)

    @pytest.mark.parametrize("column", ["parent_id", "repeats_id"])
    def test_rollback__that_replaces_or_repeats__refused(
        self, users: Users, rollback: SystemContract, column: str
    ) -> None:
        other = eligible(users).pk if column == "parent_id" else rollback.rolls_back_id
        guards = (
            ("contract_has_eligible_parent",) if column == "parent_id" else ("contract_repeats",)
        )
        with trigger_off(CONTRACT, *guards), violates_constraint("contract_rolls_back"):
            insert_copy(rollback, **{column: other})

    @pytest.mark.parametrize("of", ["eligible", "completed", "active", "missing", "no step"])
    def test_rollback__of_a_contract_that_did_not_fail_with_a_step__refused(
        self, users: Users, rollback: SystemContract, of: str
    ) -> None:
        match of:
            case "eligible":
                undone = eligible(users).pk
            case "completed":
                undone = judged_job(users).contract_id
            case "active":
                undone = failed_job(users).contract_id
            case "missing":
                undone = new_id()
            case _:
                undone = failed_contract(users, steps=0).pk
        with violates_constraint("contract_rolls_back"):
            insert_copy(rollback, rolls_back_id=undone)

    def test_link__changed_later__refused(self, users: Users, rollback: SystemContract) -> None:
        with violates_constraint("contract_origin_frozen"):
            update_row(CONTRACT, rollback.pk, rolls_back_id=None)
        with violates_constraint("contract_origin_frozen"):
            update_row(CONTRACT, eligible(users).pk, rolls_back_id=rollback.rolls_back_id)

    def test_approval_kind__altered_by_an_owner__is_in_the_record_that_the_ledger_covers(
        self, rollback: SystemContract
    ) -> None:
        signed = rollback.approval_record()
        rollback.approval_kind = "pre_authorised"
        assert rollback.approval_record() != signed

    @pytest.mark.parametrize("kind", ["pre_authorised", "other"])
    def test_approval_kind__set_without_an_authorisation__refused(
        self, rollback: SystemContract, kind: str
    ) -> None:
        names = {
            "other": "contract_approval_kind_known",
            "pre_authorised": "contract_pre_authorised_is_rollback",
        }
        with violates_constraint(names[kind]):
            update_row(CONTRACT, rollback.pk, approval_kind=kind)


@pytest.mark.parametrize("index", range(4))
def test_values_set_by__in_python__are_those_of_postgres(index: int) -> None:
    change = [*CHANGES, {"type": "capability_disable", "capability_name": "S", "reason": "x"}][
        index
    ]
    assert change["type"] in CHANGE_TYPES
    rows = run_sql("SELECT scope, key, value FROM governance_values_set_by(%s)", json.dumps(change))
    found = {(scope, key): json.loads(value) for scope, key, value in rows}
    assert found == settings_set_by(change)
