"""`doctor` names what is wrong and how to mend it; `restore_guards` mends guards and clock."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import Warning
from django.db import DEFAULT_DB_ALIAS, OperationalError
from django.db.migrations.recorder import MigrationRecorder

from governance.db.installed import guard_problems
from governance.management import doctor, doctor_checks
from governance.management.check_result import CheckResult
from governance.management.commands import restore_guards
from governance.management.doctor import CHECKS, NOT_CHECKED, diagnose, table_of
from governance.management.doctor_checks import check_disk
from governance.models.sql import installable_statements
from tests.support.attacks import run_sql
from tests.support.breakers import closed, opened
from tests.support.commands import run, shell
from tests.support.roles import as_owner, require_app_role
from tests.support.users import Users

LEDGER, TRIGGER = "governance_ledgerentry", "ledger_append_only"
undone_after = pytest.mark.django_db


@pytest.fixture
def own_clock() -> None:
    """Install the clock of the product, because the suite's own is adjustable."""
    with as_owner():
        run_sql(installable_statements("now")[0])


@pytest.fixture
def as_the_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `restore_guards` use the session of the test, which becomes the owner's."""
    monkeypatch.setattr(restore_guards, "owner_alias", lambda: DEFAULT_DB_ALIAS)
    monkeypatch.setattr(restore_guards, "has_two_roles", lambda: False)


@pytest.fixture
def well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the settings of the suite have no warning."""
    monkeypatch.setattr(doctor_checks, "run_checks", lambda **_: [])


def found(name: str) -> CheckResult:
    [one] = diagnose([name])
    return one.finding


# --- all is well ---
def test_doctor__of_a_sound_database__finds_nothing_and_exits_with_0(
    committed: Users, own_clock: None, well: None
) -> None:
    require_app_role()
    ran = run("doctor")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.endswith("\nEverything is well.\n")
    assert ran.out.count("  ok     ") == len(CHECKS)
    document = run("doctor", "--json").json()
    assert document["ok"] is True
    assert [one["check"] for one in document["checks"]] == list(CHECKS)
    assert {one["remedy"] for one in document["checks"]} == {None}


@undone_after
def test_doctor__asked_for_some_checks__runs_only_these(own_clock: None) -> None:
    document = run("doctor", "--only", "clock", "--only", "database", "--json").json()
    assert [one["check"] for one in document["checks"]] == ["database", "clock"]
    assert run("doctor", "--only", "weather").code == 2


@undone_after
def test_doctor__with_something_wrong__says_what_and_exits_with_1(users: Users) -> None:
    ran = run("doctor", "--only", "clock")  # the clock of the suite is adjustable
    assert (ran.code, ran.err) == (1, "")
    assert ran.out.splitlines() == [
        "clock  WRONG  Somebody replaced the function governance_now(): new entries have wrong "
        "times.",
        "              mend it: manage.py restore_guards, after you know who replaced it",
        "",
        "1 thing wrong.",
    ]
    ran = run("doctor", "--only", "clock", "--json")
    assert (ran.code, ran.json()["ok"], ran.json()["checks"][0]["ok"]) == (1, False, False)


# --- each check ---
@undone_after
def test_database__that_is_too_old__wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found("database").is_ok
    monkeypatch.setattr(doctor_checks, "MIN_POSTGRESQL", 99)
    assert "is too old; govsite needs 99 or later." in found("database").words


def test_database__that_does_not_answer__every_check_of_it_is_wrong_and_the_rest_run() -> None:
    outcome = shell(
        "doctor",
        "--json",
        environment={"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"},
    )
    assert outcome.returncode == 1
    assert outcome.stderr == b""
    checks = {one["check"]: one for one in json.loads(outcome.stdout)["checks"]}
    assert checks["database"]["words"].startswith("PostgreSQL cannot be reached: ")
    for name in ("migrations", "guards", "grants", "clock"):
        assert (checks[name]["ok"], checks[name]["words"]) == (False, NOT_CHECKED)
    assert checks["disk"]["ok"] is True


@undone_after
def test_migrations__one_missing_or_one_too_many__wrong() -> None:
    assert found("migrations").is_ok
    with as_owner():
        run_sql("DELETE FROM django_migrations WHERE app = 'governance' AND name = '0012_notices'")
    missing = found("migrations")
    assert (missing.is_ok, missing.remedy) == (False, "manage.py migrate")
    assert "governance.0012_notices" in missing.words
    with as_owner():
        recorder = MigrationRecorder(doctor_checks.connection)
        recorder.record_applied("governance", "0012_notices")
        recorder.record_applied("governance", "9999_from_the_future")
    assert "9999_from_the_future is not known here" in found("migrations").words


@undone_after
@pytest.mark.parametrize(
    ("attack", "words"),
    [
        (f"ALTER TABLE {LEDGER} DISABLE TRIGGER {TRIGGER}", f"{TRIGGER} of {LEDGER} is off"),
        (f"ALTER TABLE {LEDGER} ENABLE TRIGGER {TRIGGER}", f"{TRIGGER} of {LEDGER} is off"),
        (f"DROP TRIGGER {TRIGGER} ON {LEDGER}", f"{TRIGGER} of {LEDGER} is missing"),
        (
            "CREATE OR REPLACE FUNCTION governance_append_only() RETURNS trigger LANGUAGE plpgsql"
            " AS $$ BEGIN RETURN OLD; END $$",
            "the function governance_append_only has another body",
        ),
        ("DROP FUNCTION governance_notify", "the function governance_notify is missing"),
        ("DROP FUNCTION governance_now", "the function governance_now is missing"),
        (
            f"CREATE TRIGGER sly BEFORE INSERT ON {LEDGER} FOR EACH ROW"
            " EXECUTE FUNCTION suppress_redundant_updates_trigger()",
            f"the trigger sly of {LEDGER} is none of govsite's",
        ),
    ],
    ids=[
        "off",
        "off in replication",
        "dropped",
        "hollow",
        "function dropped",
        "clock dropped",
        "added",
    ],
)
def test_guards__that_somebody_changed__wrong_until_restored(
    as_the_owner: None, attack: str, words: str
) -> None:
    assert found("guards").is_ok
    with as_owner():
        run_sql(attack)
        wrong = found("guards")
        assert not wrong.is_ok
        assert words in wrong.words
        assert "manage.py restore_guards" in wrong.remedy
        restored = run("restore_guards")
    assert (restored.code, restored.err) == (0, "")
    assert restored.out == "Installed again; before, 1 guard differed.\n"
    left = guard_problems(using=DEFAULT_DB_ALIAS)
    assert left == ([words] if "sly" in attack else [])


@undone_after
def test_guards__many_that_are_off__names_the_first_and_counts_the_rest() -> None:
    with as_owner():
        for table in ("governance_jobstep", "governance_stepresult", LEDGER):
            run_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    words = found("guards").words
    assert words.count(" is off") == 3
    assert " more." in words


def test_restore_guards__by_the_owners_connection__mends_guards_and_grants(
    committed: Users,
) -> None:
    require_app_role()
    with as_owner():
        run_sql("DROP FUNCTION governance_notify")
    assert not found("guards").is_ok
    assert run("restore_guards").code == 0
    assert found("guards").is_ok
    assert found("grants").is_ok


@undone_after
def test_restore_guards__by_another_role__refused(
    as_the_owner: None,
) -> None:
    require_app_role()
    ran = run("restore_guards")
    assert ran.code == 1
    assert ran.err.endswith("(not_the_owner)\n")


@undone_after
def test_restore_guards__of_the_clock__mends_it(own_clock: None, as_the_owner: None) -> None:
    assert found("clock").is_ok
    with as_owner():
        run_sql(
            "CREATE OR REPLACE FUNCTION governance_now() RETURNS timestamptz LANGUAGE sql AS"
            " $$ SELECT clock_timestamp() - interval '1 year' $$"
        )
        assert not found("clock").is_ok
        assert run("restore_guards").code == 0
    assert found("clock").is_ok


@undone_after
def test_grants__too_many_or_too_few__wrong() -> None:
    require_app_role()
    assert found("grants").is_ok
    role = doctor_checks.application_role()
    with as_owner():
        run_sql(f"GRANT DELETE ON {LEDGER} TO {role}")
    wrong = found("grants")
    assert f"it has DELETE on {LEDGER}." in wrong.words
    assert wrong.remedy == f"manage.py grant_app_role {role} --apply"
    with as_owner():
        run_sql(f"REVOKE DELETE, INSERT ON {LEDGER} FROM {role}")
    assert f"it lacks INSERT on {LEDGER}." in found("grants").words


@undone_after
def test_grants__of_a_role_that_grants_cannot_limit__wrong() -> None:
    with as_owner():
        assert "Grants cannot limit the role" in found("grants").words


@undone_after
def test_breakers__one_that_is_open__wrong_until_it_is_closed(users: Users) -> None:
    assert found("breakers").is_ok
    opened("library-website")
    finding = found("breakers")
    assert not finding.is_ok
    assert finding.words == (
        """The jobs of 1 handler wait: library-website, after "KeyError: 'page_size'"."""
    )
    closed(users, "library-website")
    assert found("breakers").is_ok


def test_disk__that_is_nearly_full__wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "not" / "made" / "yet"
    monkeypatch.setattr(doctor_checks, "MIN_FREE_BYTES", 1)
    assert check_disk(folder).is_ok
    monkeypatch.setattr(doctor_checks, "MIN_FREE_BYTES", 2**60)
    assert f"are free under {folder}; at least" in check_disk(folder).words


def test_settings__with_warnings__wrong_but_in_development(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    of_the_database = Warning("The clock.", id="governance.W002")
    silenced = Warning("The domain.", id="security.W005")
    monkeypatch.setattr(doctor_checks, "run_checks", lambda **_: [of_the_database, silenced])
    settings.DEBUG = False
    assert found("settings").is_ok
    messages = [Warning("No HTTPS.\nAt all.", id="security.W008"), of_the_database]
    monkeypatch.setattr(doctor_checks, "run_checks", lambda **_: messages)
    wrong = found("settings")
    assert wrong.words == "1 warning of check --deploy; the first: No HTTPS."
    assert wrong.remedy == "manage.py check --deploy"
    settings.DEBUG = True
    assert found("settings").is_ok


@undone_after
def test_workers__none_while_a_task_waits__wrong() -> None:
    assert found("workers").words == "0 workers at work; 0 tasks waiting."
    run_sql("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour')")
    run_sql(
        "INSERT INTO procrastinate_jobs (task_name, queue_name, lock, args, scheduled_at)"
        " VALUES ('t', 'runs', 'x', '{}', now() - interval '1 hour'),"
        "        ('t', 'runs', 'y', '{}', now() + interval '1 hour')"
    )
    wrong = found("workers")
    assert wrong.words == "No worker has answered for two minutes; 1 task waiting."
    assert wrong.remedy == "manage.py worker"
    for entries, words in ((1, "1 worker"), (2, "1 worker"), (3, "2 workers")):
        run_sql("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now())")
        assert found("workers").words == f"{words} at work; 1 task waiting.", entries


# --- a check that fails ---
def test_check__that_raises__is_wrong_and_the_others_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> CheckResult:
        raise ValueError("Seven is no colour.\nNor is eight.")

    def breaks_off() -> CheckResult:
        raise OperationalError

    checks = {"colour": fails, "connection": breaks_off, "disk": check_disk}
    monkeypatch.setattr(doctor, "CHECKS", checks)
    raised, broken, disk = diagnose(checks)
    assert raised.finding.words == "The check itself failed: ValueError: Seven is no colour."
    assert broken.finding.words == NOT_CHECKED
    assert disk.finding.is_ok
    assert len(table_of([raised, broken, disk])) == 5
