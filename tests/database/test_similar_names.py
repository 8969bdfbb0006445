"""PostgreSQL holds names unlike each other, user names ASCII, and a reference to one contract."""

from __future__ import annotations

import string
from importlib import import_module
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.apps import apps
from django.db import connection

from governance.domain.names import name_key
from governance.models import Account, Capability, TakenReference
from tests.support.archives import remove_with_tombstone
from tests.support.attacks import (
    check_deferred_triggers,
    insert_row,
    run_sql,
    update_row,
    violates_constraint,
)
from tests.support.factories import contract_in, eligible
from tests.support.forgery import CONTRACT
from tests.support.registry import registered, set_value
from tests.support.roles import as_owner
from tests.support.users import Users

TAKEN = "governance_takenreference"
ACCOUNT = "governance_account"
MIGRATION = import_module("governance.models.migrations.0008_names")
EDITOR = SimpleNamespace(connection=connection)


# --- the registry ---
def test_capability__that_resembles_another__refused_unless_it_says_so(users: Users) -> None:
    first = registered("ExclusiveCPUs")
    with violates_constraint("capability_unlike_others"):
        registered("ExclusiveCPUS")
    similar = registered("ExclusiveCPUS", resembles=first)
    assert similar.name_key == first.name_key


def test_capability__that_resembles_one_it_does_not_resemble__refused(users: Users) -> None:
    other = registered("Search")
    with violates_constraint("capability_resembles_same_key"):
        registered("Billing", resembles=other)


def test_setting__that_resembles_another_of_its_scope__refused_unless_it_says_so(
    users: Users,
) -> None:
    first = set_value("Search", "page_size", 20)
    set_value("Billing", "Page_Size", 20)
    with violates_constraint("setting_unlike_others"):
        set_value("Search", "Page_Size", 20)
    with violates_constraint("setting_resembles_same_key"):
        set_value("Sync", "page_size", 2, resembles=first)
    set_value("Search", "Page_Size", 20, resembles=first)


# --- user names ---
@pytest.mark.parametrize("username", ["аda", "jos\u00e9", "ada l", "ada\u200b", "", "ada\n"])
def test_username__that_is_not_plain_ascii__refused(users: Users, username: str) -> None:
    with violates_constraint("username_is_ascii"):
        Account.objects.bulk_create([Account(username=username)])
    with violates_constraint("username_is_ascii"):
        update_row(ACCOUNT, users.viewer.pk, username=username)


def test_username__that_resembles_another__refused(users: Users) -> None:
    Account.objects.create(username="admin.l")
    for username in ("Admin.l", "admin.1", "adrnin.I"):
        with violates_constraint("username_unlike_others"):
            Account.objects.bulk_create([Account(username=username)])
        with violates_constraint("username_unlike_others"):
            update_row(ACCOUNT, users.viewer.pk, username=username)


def test_username_key__that_is_forged__is_not_taken(users: Users) -> None:
    update_row(ACCOUNT, users.viewer.pk, username_key="another")
    assert run_sql(f"SELECT username_key FROM {ACCOUNT} WHERE username = 'viewer'") == [("vlewer",)]


def test_username_key__of_every_character__is_that_of_python(users: Users) -> None:
    for character in string.ascii_letters + string.digits + "@.+-_":
        [(key,)] = run_sql("SELECT governance_username_key(%s)", f"a{character}b")
        assert key == name_key(f"a{character}b")


# --- references ---
def test_contract__without_its_reference__refused_at_commit(users: Users) -> None:
    original = eligible(users)
    with violates_constraint("contract_takes_reference", at_commit=True):
        run_sql(
            f"INSERT INTO {CONTRACT} SELECT (jsonb_populate_record(original, jsonb_build_object("
            " 'id', gen_random_uuid(), 'reference', 'FREE'))).*"
            f" FROM {CONTRACT} AS original WHERE id = %s",
            original.pk,
        )


@pytest.mark.parametrize(
    ("column", "constraint"),
    [
        ("name_key", "governance_takenreference_pkey"),
        ("reference", "governance_takenreference_reference_key"),
        ("contract_id", "governance_takenreference_contract_id_key"),
    ],
)
def test_reference__taken_again__refused(users: Users, column: str, constraint: str) -> None:
    taken = TakenReference.objects.get(contract_id=eligible(users).pk)
    row = {"name_key": "new", "reference": "NEW", "contract_id": uuid4()}
    with violates_constraint(constraint):
        insert_row(TAKEN, **(row | {column: getattr(taken, column)}))


@pytest.mark.parametrize(
    "attack", [f"UPDATE {TAKEN} SET reference = 'X'", f"DELETE FROM {TAKEN}", f"TRUNCATE {TAKEN}"]
)
def test_reference__changed_removed_or_truncated__refused(users: Users, attack: str) -> None:
    eligible(users)
    with violates_constraint("reference_append_only"):
        run_sql(attack)


def test_reference__of_a_contract_that_is_being_removed__stays(users: Users) -> None:
    contract = contract_in(users, "REJECTED")
    check_deferred_triggers()
    with as_owner():
        remove_with_tombstone(contract)
        with violates_constraint("reference_append_only"):
            run_sql(f"DELETE FROM {TAKEN} WHERE contract_id = %s", contract.pk)


# --- rows of an earlier version ---
def test_migration__of_references_that_two_contracts_have__gives_them_to_the_older(
    users: Users, capsys: pytest.CaptureFixture[str]
) -> None:
    removed, older, newer = (contract_in(users, "REJECTED") for _ in range(3))
    check_deferred_triggers()
    with as_owner():
        remove_with_tombstone(removed)
        check_deferred_triggers()
        run_sql(f"ALTER TABLE {TAKEN} DISABLE TRIGGER USER")
        run_sql(f"DELETE FROM {TAKEN}")
        run_sql(f"ALTER TABLE {CONTRACT} DISABLE TRIGGER USER")
        for contract, reference in ((older, "OPS-1"), (newer, "ops-1")):
            update_row(CONTRACT, contract.pk, reference=reference)
        MIGRATION.take_references(apps, EDITOR)
    taken = dict(TakenReference.objects.values_list("reference", "contract_id"))
    assert taken == {removed.reference: removed.pk, "OPS-1": older.pk}
    assert f"ops-1 of the contract {newer.pk} looks like OPS-1" in capsys.readouterr().err


def test_migration__of_similar_names__keeps_both(
    users: Users, capsys: pytest.CaptureFixture[str]
) -> None:
    with as_owner():
        run_sql("ALTER TABLE governance_capability DROP CONSTRAINT capability_resembles_same_key")
        run_sql("DROP INDEX capability_unlike_others")
        run_sql("ALTER TABLE governance_capability DISABLE TRIGGER USER")
        for name in ("CPUs", "CPUS"):
            run_sql(
                "INSERT INTO governance_capability (name, name_key, lifecycle, frozen, title,"
                " owner, components, proposal, stages, secret_keys, origin_id)"
                " VALUES (%s, '', 'PREVIEW', false, '', '', '{}', '', '{}', '{}', 0)",
                name,
            )
        MIGRATION.find_similar_names(apps, EDITOR)
    first, second = Capability.objects.order_by("id")
    assert (first.resembles, second.resembles) == (None, first)
    assert first.name_key == second.name_key == name_key("CPUs")
    assert "CPUS looks like CPUs" in capsys.readouterr().err


def test_migration__of_user_names__keeps_what_it_finds(
    users: Users, capsys: pytest.CaptureFixture[str]
) -> None:
    with as_owner():
        run_sql(f"ALTER TABLE {ACCOUNT} DISABLE TRIGGER USER")
        Account.objects.bulk_create([Account(username="jos\u00e9"), Account(username="Viewer")])
        run_sql(f"UPDATE {ACCOUNT} SET username_key = NULL")
        MIGRATION.compare_usernames(apps, EDITOR)
        run_sql(f"ALTER TABLE {ACCOUNT} ENABLE ALWAYS TRIGGER username_unlike_others")
    keys = dict(Account.objects.values_list("username", "username_key"))
    assert (keys["viewer"], keys["Viewer"]) == ("vlewer", None)
    assert keys["jos\u00e9"] == name_key("jos\u00e9")
    assert "Viewer looks like viewer" in capsys.readouterr().err
    for account in Account.objects.filter(username__in=["jos\u00e9", "Viewer"]):
        account.is_active = False
        account.save()  # an account of an earlier version can still be deactivated
