"""ROLLBACK: raw SQL approves no rollback that was not authorised exactly so, nor authorises one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from governance.authorities.contract.rollback_authorisations import authorisation_body
from governance.domain.canonical import canonical_text, load_json, sha256_hex
from governance.models import RollbackAuthorisation, SystemContract
from tests.support.attacks import insert_row, run_sql, trigger_off, update_row, violates_constraint
from tests.support.clock import clock_at, now
from tests.support.contracts import taken_back
from tests.support.factories import eligible
from tests.support.forgery import CONTRACT, forge_signature
from tests.support.registry import set_value
from tests.support.rollbacks import (
    CHANGES,
    UNDONE,
    authorised_job,
    authorised_rollback,
    failed_contract,
    judge_fail,
    register_search,
    rollback_of,
)
from tests.support.users import Users

AUTHORISATION = "governance_rollbackauthorisation"
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def search(users: Users) -> None:
    register_search(users)


def approve_raw(rollback: SystemContract, **columns: Any) -> None:
    """Approve a rollback by raw SQL, by the authorisation that would count."""
    given = RollbackAuthorisation.objects.order_by("ends_at", "id")[0]
    at = now()
    as_it_would_be = {
        "status": "APPROVED",
        "approval_kind": "pre_authorised",
        "authorisation_sha256": given.sha256,
        "approved_by_id": given.founder_id,
        "approved_at": at,
        "approved_digest": rollback.content_digest,
        "window_opens_at": at,
        "window_closes_at": at + HOUR,
        "updated_at": at,
    }
    update_row(CONTRACT, rollback.pk, **as_it_would_be | columns)


def refused_at_commit() -> Any:
    return violates_constraint("approval_pre_authorised", at_commit=True)


class TestROLLBACKApprovedBeforehand:
    def test_raw_approval__as_authorised__lacks_only_its_ledger_entry(self, users: Users) -> None:
        rollback = authorised_rollback(users)
        with violates_constraint("ledger_covers_status", at_commit=True):
            approve_raw(rollback)

    def test_raw_approval__of_another_rollback__refused(self, users: Users) -> None:
        authorised_job(users)
        other = rollback_of(failed_contract(users))
        with refused_at_commit():
            approve_raw(other)

    def test_raw_approval__after_a_setting_moved__refused(self, users: Users) -> None:
        rollback = authorised_rollback(users)
        set_value("Search", "page_size", 33)
        with refused_at_commit():
            approve_raw(rollback)

    def test_raw_approval__after_a_setting_moved_and_back__refused(self, users: Users) -> None:
        rollback = authorised_rollback(users)
        set_value("Search", "page_size", 33)
        set_value("Search", "page_size", 50)
        with refused_at_commit():
            approve_raw(rollback)

    def test_raw_approval__of_a_tail_that_leaves_a_setting_out__refused(self, users: Users) -> None:
        job = authorised_job(users)
        set_value("Search", "page_size", 33)
        rollback = rollback_of(judge_fail(users, job))
        with refused_at_commit():
            approve_raw(rollback)

    def test_raw_approval__after_the_end__refused(self, users: Users) -> None:
        rollback = authorised_rollback(users, until=HOUR)
        with refused_at_commit(), clock_at(now() + 2 * HOUR):
            approve_raw(rollback)

    def test_raw_approval__when_a_founder_left__refused(self, users: Users) -> None:
        rollback = authorised_rollback(users)
        users.founder.groups.clear()
        with refused_at_commit():
            approve_raw(rollback)

    @pytest.mark.parametrize("who", [0, 1])
    def test_raw_approval__with_one_authorisation_of_two__refused(
        self, users: Users, settings: Any, who: int
    ) -> None:
        settings.GOVSITE = settings.GOVSITE | {"APPROVALS_REQUIRED": {"medium": 2}}
        both = [users.founder, users.second_founder]
        rollback = authorised_rollback(users, signing=both, authorising=[both[who]])
        with refused_at_commit():
            approve_raw(rollback)

    @pytest.mark.parametrize("column", ["digest", "founder", "window", "late window"])
    def test_raw_approval__that_is_not_the_authorisation__refused(
        self, users: Users, column: str
    ) -> None:
        rollback = authorised_rollback(users)
        at = now()
        columns: dict[str, dict[str, Any]] = {
            "digest": {"authorisation_sha256": "a" * 64},
            "founder": {"approved_by_id": users.second_founder.pk},
            "window": {"window_closes_at": at + timedelta(days=3)},
            "late window": {"window_opens_at": at + HOUR, "window_closes_at": at + 2 * HOUR},
        }
        with refused_at_commit():
            approve_raw(rollback, **columns[column])

    def test_raw_approval__of_a_contract_that_is_no_rollback__refused(self, users: Users) -> None:
        authorised_job(users)
        with violates_constraint("contract_pre_authorised_is_rollback"):
            approve_raw(eligible(users))

    def test_raw_approval__signed_by_nobody__refused(self, users: Users) -> None:
        rollback = authorised_rollback(users)
        with violates_constraint("approval_signed", at_commit=True):
            approve_raw(rollback, approval_kind="signed", authorisation_sha256=None)


def forge_authorisation(users: Users, contract: SystemContract, **changes: Any) -> None:
    """Insert a signature and the authorisation that it names, with other steps or another end."""
    columns = {name: changes.pop(name) for name in list(changes) if name.endswith("_id")}
    ends_at = changes.pop("until", now() + HOUR)
    given = authorisation_body(contract, founder=users.founder, number=1, ends_at=ends_at)
    body = canonical_text(load_json(given) | changes)
    sha256 = columns.pop("sha256_id", sha256_hex(body))
    forge_signature(contract, users.founder, authorisation_sha256=sha256)
    [(signature_id,)] = run_sql(
        "SELECT id FROM governance_approvalsignature WHERE contract_id = %s", contract.pk
    )
    row = {
        "contract_id": contract.pk,
        "signature_id": signature_id,
        "founder_id": users.founder.pk,
        "ends_at": ends_at,
        "body": body,
        "sha256": sha256,
    }
    insert_row(AUTHORISATION, **row | columns)


class TestROLLBACKAuthorised:
    def test_raw_authorisation__as_the_product_gives_it__passes(self, users: Users) -> None:
        contract = eligible(users, proposed_changes=CHANGES)
        with taken_back():
            forge_authorisation(users, contract)

    @pytest.mark.parametrize(
        "changes",
        [
            {"steps": UNDONE[1:]},
            {"steps": UNDONE[::-1]},
            {"steps": [UNDONE[0], UNDONE[1] | {"new_value": 21}, UNDONE[2]]},
            {"steps": []},
            {"steps": None},
            {"contract_id": "other"},
            {"founder": 0},
            {"signature": 2},
            {"ends_at": "2030-01-01T00:00:00.000000Z"},
            {"sha256_id": "a" * 64},
        ],
        ids=str,
    )
    def test_raw_authorisation__of_anything_else__refused(
        self, users: Users, changes: dict[str, Any]
    ) -> None:
        contract = eligible(users, proposed_changes=CHANGES)
        body = {name: value for name, value in changes.items() if name != "contract_id"}
        with violates_constraint("rollback_authorised"):
            if "contract_id" in changes:
                forge_authorisation(users, contract, contract_id=eligible(users).pk)
            else:
                forge_authorisation(users, contract, **body)

    @pytest.mark.parametrize("until", [timedelta(0), timedelta(days=9)])
    def test_raw_authorisation__until_a_wrong_time__refused(
        self, users: Users, until: timedelta
    ) -> None:
        contract = eligible(users, proposed_changes=CHANGES)
        with violates_constraint("rollback_authorised"):
            forge_authorisation(users, contract, until=now() + until)

    def test_raw_authorisation__of_a_plan_without_a_rollback__refused(self, users: Users) -> None:
        contract = eligible(
            users,
            affected_capabilities=["Unheard of"],
            proposed_changes=[CHANGES[0] | {"capability_name": "Unheard of"}],
        )
        with violates_constraint("rollback_authorised"):
            forge_authorisation(users, contract, steps=[None])

    def test_raw_authorisation__of_a_rollback__refused(self, users: Users) -> None:
        rollback = rollback_of(failed_contract(users))
        with violates_constraint("rollback_authorised"):
            forge_authorisation(users, rollback)

    def test_raw_authorisation__after_the_approval__refused(self, users: Users) -> None:
        job = authorised_job(users, authorising=[])
        signature = job.contract.signatures.get()
        ends_at = now() + HOUR
        body = authorisation_body(job.contract, founder=users.founder, number=1, ends_at=ends_at)
        with violates_constraint("rollback_authorised"):
            insert_row(
                AUTHORISATION,
                contract_id=job.contract_id,
                signature_id=signature.pk,
                founder_id=users.founder.pk,
                ends_at=ends_at,
                body=body,
                sha256=sha256_hex(body),
            )

    def test_raw_signature__that_names_no_authorisation__refused(self, users: Users) -> None:
        contract = eligible(users, proposed_changes=CHANGES)
        with violates_constraint("rollback_authorised", at_commit=True):
            forge_signature(contract, users.founder, authorisation_sha256="a" * 64)

    @pytest.mark.parametrize(
        "attack",
        [
            f"UPDATE {AUTHORISATION} SET ends_at = ends_at + interval '1 hour'",
            f"DELETE FROM {AUTHORISATION}",
            f"TRUNCATE {AUTHORISATION} CASCADE",
        ],
    )
    def test_raw_authorisation__changed_removed_or_truncated__refused(
        self, users: Users, attack: str
    ) -> None:
        authorised_job(users)
        with violates_constraint("rollback_authorisation_append_only"):
            run_sql(attack)

    @pytest.mark.parametrize("column", ["sha256", "signature_id"])
    def test_raw_authorisation__a_second_time__refused(self, users: Users, column: str) -> None:
        authorised_job(users)
        columns = "contract_id, founder_id, ends_at, body, signature_id, sha256"
        other = columns.replace(
            "signature_id" if column == "sha256" else "sha256",
            "-1" if column == "sha256" else "repeat('a', 64)",
        )
        with (
            trigger_off(AUTHORISATION, "rollback_authorised"),
            violates_constraint(f"{AUTHORISATION}_{column}_key"),
        ):
            run_sql(f"INSERT INTO {AUTHORISATION} ({columns}) SELECT {other} FROM {AUTHORISATION}")

    def test_raw_authorisation__without_a_text__refused(self, users: Users) -> None:
        authorised_job(users)
        columns = "contract_id, founder_id, ends_at, signature_id"
        with (
            trigger_off(AUTHORISATION, "rollback_authorised"),
            violates_constraint("rollback_authorisation_not_empty"),
        ):
            run_sql(
                f"INSERT INTO {AUTHORISATION} ({columns}, body, sha256)"
                f" SELECT {columns}, '', repeat('a', 64) FROM {AUTHORISATION}"
            )
