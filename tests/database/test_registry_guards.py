"""REGISTRY: PostgreSQL refuses every change of the registry that no step and no import made."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from governance.models import Capability, ConfigurationEntry, RegistryChange, RegistryImport
from governance.services.registry.operations import register_capabilities
from tests.support.attacks import insert_row, run_sql, update_row, violates_constraint
from tests.support.factories import now, running_job
from tests.support.registry import new_change, set_value, values_of
from tests.support.users import Users

CAPABILITY = "governance_capability"
ENTRY = "governance_configurationentry"
CHANGE = "governance_registrychange"
IMPORT = "governance_registryimport"
IDS = {
    "job_id": UUID("01a00000-0000-7000-8000-000000000001"),
    "contract_id": UUID("01a00000-0000-7000-8000-000000000002"),
}


@pytest.fixture
def search(users: Users) -> Capability:
    register_capabilities(documents=[{"name": "Search", "configuration": {"page_size": 20}}])
    return Capability.objects.get()


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        (CAPABILITY, {"lifecycle": "LAUNCHED"}),
        (CAPABILITY, {"origin_id": 0}),
        (ENTRY, {"value": "25"}),
        (ENTRY, {"value": "25", "origin_id": 0}),
    ],
)
def test_value__changed_by_raw_sql__refused(
    search: Capability, table: str, columns: dict[str, Any]
) -> None:
    row = Capability.objects.get() if table == CAPABILITY else ConfigurationEntry.objects.get()
    with violates_constraint("registry_follows"):
        update_row(table, row.pk, **columns)


def test_value__set_back_to_an_earlier_change__refused(search: Capability) -> None:
    entry = ConfigurationEntry.objects.get()
    set_value("Search", "page_size", 25)
    with violates_constraint("registry_follows"):
        update_row(ENTRY, entry.pk, value="20", origin_id=entry.origin_id)


def test_value__new_without_a_change__refused(search: Capability) -> None:
    with violates_constraint("registry_follows"):
        insert_row(
            ENTRY, scope="Search", key="other", name_key="other", value="1",
            origin_id=Capability.objects.get().origin_id,
        )  # fmt: skip
    with violates_constraint("registry_follows"):
        ConfigurationEntry.objects.create(
            scope="Search", key="other", value=2, origin=new_change("Search", "other", 1)
        )
    with violates_constraint("registry_follows"):
        Capability.objects.create(
            name="New", lifecycle="LAUNCHED", origin=new_change("New", "", "DISABLED")
        )


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        (CAPABILITY, {"name": "Found"}),
        (CAPABILITY, {"frozen": True}),
        (CAPABILITY, {"secret_keys": "{}"}),
        (ENTRY, {"key": "size"}),
        (ENTRY, {"scope": "SYSTEM"}),
    ],
)
def test_row__renamed_or_moved__refused(
    search: Capability, table: str, columns: dict[str, Any]
) -> None:
    row = Capability.objects.get() if table == CAPABILITY else ConfigurationEntry.objects.get()
    with violates_constraint("registry_row_kept"):
        update_row(table, row.pk, **columns)


@pytest.mark.parametrize("table", [CAPABILITY, ENTRY])
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_row__removed__refused(search: Capability, table: str, statement: str) -> None:
    with violates_constraint("registry_row_kept"):
        run_sql(statement.format(table))


@pytest.mark.parametrize("table", [CHANGE, IMPORT])
@pytest.mark.parametrize(
    "statement", ["DELETE FROM {}", "TRUNCATE {} CASCADE", "UPDATE {} SET id = id"]
)
def test_history__rewritten__refused(search: Capability, table: str, statement: str) -> None:
    kind = "change" if table == CHANGE else "import"
    with violates_constraint(f"registry_{kind}_append_only"):
        run_sql(statement.format(table))


def test_change__that_names_a_step_and_comes_from_none__refused(users: Users) -> None:
    running = running_job(users)
    running.complete_steps(1)
    with violates_constraint("registry_follows"):
        insert_row(
            CHANGE, scope="Search", key="page_size", value="99", changed_at=now(), step_index=0,
            job_id=running.job.pk, contract_id=running.job.contract_id,
        )  # fmt: skip


def test_change__of_an_import_that_another_transaction_made__refused(search: Capability) -> None:
    [(earlier,)] = run_sql(f"SELECT id FROM {IMPORT}")
    with violates_constraint("registry_follows"):
        # The test is one transaction, so the import is made to look like an earlier one.
        run_sql(f"ALTER TABLE {IMPORT} DISABLE TRIGGER registry_import_append_only")
        update_row(IMPORT, earlier, transaction_id=1)
        insert_row(
            CHANGE, scope="Search", key="page_size", value="99", changed_at=now(),
            registry_import_id=earlier,
        )  # fmt: skip


def test_change__of_an_import_that_the_registry_does_not_have__refused_at_commit(
    search: Capability,
) -> None:
    with violates_constraint("registry_follows", at_commit=True):
        new_change("Search", "page_size", 99)


def test_import__at_another_time_than_now__refused(users: Users) -> None:
    for minutes in (-1, 1):
        with violates_constraint("time_is_current"):
            RegistryImport.objects.create(
                imported_at=now() + timedelta(minutes=minutes), documents_sha256="0" * 64
            )


@pytest.mark.parametrize("origin", [{}, IDS, IDS | {"step_index": 0, "registry_import_id": True}])
def test_change__without_exactly_one_origin__refused(
    search: Capability, origin: dict[str, Any]
) -> None:
    [(registry_import,)] = run_sql(f"SELECT id FROM {IMPORT}")
    if "registry_import_id" in origin:
        origin = origin | {"registry_import_id": registry_import}
    expected = "registry_change_one_origin" if "registry_import_id" in origin else None
    with violates_constraint(expected or "registry_follows"):
        insert_row(CHANGE, scope="Search", key="page_size", value="1", changed_at=now(), **origin)


# --- what a step sets ---
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"type": "configuration_update", "key": "page_size", "new_value": 50}, {"page_size": 50}),
        ({"type": "configuration_update", "key": "page_size", "new_value": None},
         {"page_size": None}),
        ({"type": "configuration_update", "key": "Größe", "new_value": {"a": [1]}},
         {"page_size": 20, "Größe": {"a": [1]}}),
        ({"type": "parameter_change", "parameters": {"page_size": 1, "x": "y"}},
         {"page_size": 1, "x": "y"}),
    ],
)  # fmt: skip
def test_values_set_by__each_change__is_what_the_registry_takes(
    users: Users, search: Capability, change: dict[str, Any], expected: dict[str, Any]
) -> None:
    old = {"old_value": 20} if change["type"] == "configuration_update" else {}
    running = running_job(users, proposed_changes=[change | {"scope": "Search"} | old])
    running.complete_steps()
    assert values_of("Search") == expected
    assert set(RegistryChange.objects.values_list("job_id", flat=True)) == {None, running.job.pk}


@pytest.mark.parametrize(
    ("change", "lifecycle"),
    [
        ({"type": "capability_enable", "target_lifecycle": "LAUNCHED"}, "LAUNCHED"),
        ({"type": "capability_disable", "reason": "Unused."}, "DISABLED"),
    ],
)
def test_lifecycle__of_a_completed_step__is_that_of_the_registry(
    users: Users, change: dict[str, Any], lifecycle: str
) -> None:
    register_capabilities(documents=[{"name": "Search", "lifecycle": "PREVIEW"}])
    running = running_job(users, proposed_changes=[change | {"capability_name": "Search"}])
    running.complete_steps()
    assert Capability.objects.get().lifecycle == lifecycle


def test_setting__new_and_like_a_known_one__resembles_it(users: Users, search: Capability) -> None:
    change = {"type": "parameter_change", "scope": "Search", "parameters": {"other": 1}}
    running = running_job(users, proposed_changes=[change])
    set_value("Search", "Other", 1)  # registered after the proposal was checked
    running.complete_steps()
    first = ConfigurationEntry.objects.get(key="Other")
    assert ConfigurationEntry.objects.get(key="other").resembles == first


def test_step__on_what_is_not_registered__sets_configuration_and_no_lifecycle(
    users: Users,
) -> None:
    running = running_job(users)
    running.complete_steps()
    assert not Capability.objects.exists()
    assert values_of("Search") == {"page_size": 50, "timeout_seconds": 2.5}
