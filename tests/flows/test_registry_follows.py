"""The registry follows completed steps, says where a value came from, and is verified."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from governance.domain.changes import parse_changes
from governance.domain.values import AuditVerdict, StepStatus
from governance.flows.audit_job import record_verdict
from governance.models import Capability, RegistryImport, RegistryValue
from governance.record.ledger.verification import verify_ledger
from governance.services.registry.operations import register_capabilities
from governance.services.registry.verification import verify_registry
from tests.support.archives import archive, remove
from tests.support.attacks import run_sql
from tests.support.commands import run
from tests.support.factories import eligible, failed_job, finished_job, judged_job, running_job
from tests.support.kubernetes import CAPABILITIES, needs_real_changes, real_changes
from tests.support.real_contracts import PROPOSAL
from tests.support.registry import values_of
from tests.support.roles import as_owner
from tests.support.users import Users

GUARDS_OF_CHANGES = (
    "registry_change_append_only",
    "registry_change_append_only_truncate",
    "registry_change_has_origin",
    "registry_has_import",
)
SEARCH = {"name": "Search", "configuration": {"page_size": 20, "untouched": 1}}


def origins() -> dict[str, RegistryValue]:
    return {one.key: one for one in RegistryValue.objects.filter(scope="Search")}


def problems() -> list[tuple[str, str, str]]:
    return [(one.scope, one.key, one.problem) for one in verify_registry()]


@pytest.fixture
def search(users: Users) -> None:
    register_capabilities(documents=[SEARCH], actor=users.operator)


def test_import__is_the_origin_of_what_it_registers(users: Users, search: None) -> None:
    [registered] = RegistryImport.objects.all()
    assert registered.imported_by == users.operator
    found = origins()
    assert set(found) == {"", "page_size", "untouched"}
    assert {one.registry_import_id for one in found.values()} == {registered.pk}
    assert {one.verification for one in found.values()} == {"IMPORTED"}


def test_report__of_a_completed_step__moves_the_registry_at_once(
    users: Users, search: None
) -> None:
    running = running_job(users)
    running.complete_steps(2)
    assert Capability.objects.get().lifecycle == "PREVIEW"
    assert values_of("Search") == {"page_size": 50, "untouched": 1}
    found = origins()["page_size"]
    assert (found.contract_id, found.job_id, found.step_index) == (
        running.job.contract_id,
        running.job.pk,
        1,
    )
    assert found.verification == "REPORTED"
    running.record(running.report(2, StepStatus.FAILED))
    assert values_of("Search") == {"page_size": 50, "untouched": 1}


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        (AuditVerdict.PASS, "VERIFIED"),
        (AuditVerdict.FAIL, "REFUTED"),
        (AuditVerdict.INCONCLUSIVE, "REPORTED"),
    ],
)
def test_value__after_the_verdict__is_verified_or_refuted(
    users: Users, search: None, verdict: AuditVerdict, expected: str
) -> None:
    judged_job(users, verdict)
    assert origins()["page_size"].verification == expected
    assert origins()["untouched"].verification == "IMPORTED"


@pytest.mark.parametrize(("failed", "expected"), [("A-003", "REFUTED"), ("A-006", "REPORTED")])
def test_value__after_a_failed_check__is_refuted_only_by_that_of_fidelity(
    users: Users, search: None, failed: str, expected: str
) -> None:
    job = finished_job(users)
    outcomes = {"A-003": "PASS", failed: "FAIL"}
    record_verdict(
        job_id=job.pk,
        verdict=AuditVerdict.FAIL,
        reason="A check failed.",
        checks=[{"id": check, "outcome": outcome} for check, outcome in outcomes.items()],
        evidence_sha256=job.evidence.sha256,
        author=users.auditor,
    )
    assert origins()["page_size"].verification == expected


def test_proposal__after_a_change__is_planned_on_the_new_value(users: Users, search: None) -> None:
    finished_job(users)
    change = {"type": "configuration_update", "scope": "Search", "key": "page_size"}
    contract = eligible(users, proposed_changes=[change | {"old_value": 50, "new_value": 70}])
    assert contract.plan[0]["rollback_action"]["new_value"] == 50


# --- verification ---
@contextmanager
def without_guards() -> Iterator[None]:
    tables = ("governance_capability", "governance_configurationentry", "governance_registrychange")
    with as_owner():
        for table in tables:
            run_sql("SET CONSTRAINTS ALL IMMEDIATE")
            run_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield


def test_registry__after_steps_and_imports__verifies(users: Users, search: None) -> None:
    judged_job(users)
    failed_job(users)
    assert problems() == []
    assert run("verify_ledger", "--json").json()["registry_findings"] == []


@pytest.mark.parametrize(
    ("tampering", "scope_key", "words"),
    [
        ("UPDATE governance_capability SET lifecycle = 'LAUNCHED'", ("Search", ""), "is not what"),
        (
            "UPDATE governance_configurationentry SET value = '1' WHERE key = 'page_size'",
            ("Search", "page_size"),
            "is not what change",
        ),
        (
            "DELETE FROM governance_configurationentry WHERE key = 'untouched'",
            ("Search", "untouched"),
            "is not in the registry",
        ),
        (
            "DELETE FROM governance_registrychange WHERE key = 'untouched'",
            ("Search", "untouched"),
            "no change of the registry set it",
        ),
        (
            "UPDATE governance_registrychange SET step_index = 0 WHERE key = 'page_size'"
            " AND job_id IS NOT NULL",
            ("Search", "page_size"),
            "which did not set that",
        ),
        (
            "DELETE FROM governance_registrychange WHERE key = 'page_size' AND job_id IS NOT NULL",
            ("Search", "page_size"),
            "no change says so",
        ),
    ],
)
def test_registry__tampered_with__verification_names_the_value(
    users: Users, search: None, tampering: str, scope_key: tuple[str, str], words: str
) -> None:
    finished_job(users)
    with without_guards():
        run_sql(tampering)
    found = problems()
    assert {one[:2] for one in found} == {scope_key}
    assert any(words in one[2] for one in found), found
    ran = run("verify_ledger")
    assert ran.code == 1
    assert words in ran.out


def test_registry__of_an_archived_contract__is_compared_with_the_archive(
    committed: Users, tmp_path: Path
) -> None:
    register_capabilities(documents=[SEARCH], actor=committed.operator)
    judged_job(committed)
    assert archive(tmp_path / "a").code == 0
    assert remove(tmp_path / "a").code == 0
    assert origins()["page_size"].verification == "VERIFIED"
    assert run("verify_ledger", "--archive", tmp_path / "a").code == 0
    with as_owner():
        run_sql("ALTER TABLE governance_registrychange DISABLE TRIGGER USER")
        run_sql(
            "UPDATE governance_registrychange SET step_index = 0"
            " WHERE key = 'page_size' AND job_id IS NOT NULL"
        )
        for trigger in GUARDS_OF_CHANGES:
            run_sql(f"ALTER TABLE governance_registrychange ENABLE ALWAYS TRIGGER {trigger}")
    assert run("verify_ledger").code == 0
    ran = run("verify_ledger", "--archive", tmp_path / "a")
    assert ran.code == 1
    assert "page_size of Search: a change of it names step index 0 of the removed" in ran.out


# --- the real changes ---
def carry_out(users: Users, row: dict[str, Any]) -> None:
    """Bring a real change from its proposal to the verdict PASS."""
    judged_job(
        users,
        **{name: row[name] for name in (*PROPOSAL, "validator_verdict", "eligibility_verdict")},
        description=row["body"],
    )


def values_that_are_set(change: dict[str, Any]) -> dict[tuple[str, str], Any]:
    """Compute what a change sets, apart from the SQL function that the product uses."""
    match change:
        case {"capability_name": name}:
            return {(name, ""): change.get("target_lifecycle", "DISABLED")}
        case {"scope": scope, "key": key, "new_value": value}:
            return {(scope, key): value}
        case {"scope": scope, "parameters": parameters}:
            return {(scope, key): value for key, value in parameters.items()}
    raise AssertionError(change)


@needs_real_changes
@pytest.mark.long
def test_registry__after_the_real_changes__equals_the_one_computed_from_the_file(
    users: Users,
) -> None:
    registry = json.loads(CAPABILITIES.read_text())["capabilities"]
    register_capabilities(documents=registry)
    expected: dict[tuple[str, str], Any] = {}
    for capability in registry:
        expected[capability["name"], ""] = capability.get("lifecycle", "DISABLED")
        for key, value in capability.get("configuration", {}).items():
            expected[capability["name"], key] = value
    for row in real_changes():
        if row["eligibility_verdict"]["decision"] == "MAY":
            carry_out(users, row)
            for change in parse_changes(row["proposed_changes"]):
                expected |= values_that_are_set(change.document())
    recorded = RegistryValue.objects.values_list("scope", "key", "value")
    assert {(scope, key): value for scope, key, value in recorded} == expected
    assert set(RegistryValue.objects.values_list("verification", flat=True)) == {
        *("IMPORTED", "VERIFIED")
    }
    assert problems() == []
    assert [one.finding for one in verify_ledger() if one.finding] == []
