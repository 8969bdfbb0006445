"""Rules for every command: complete help, an acting user, exit codes, no traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from uuid import uuid4

import pytest
from django.core.management import get_commands, load_command_class

from governance.management.base import GovernanceCommand
from governance.management.clock_check import CLOCK_REPLACED
from tests.support.commands import ROOT, run, shell, this_database
from tests.support.users import Users

NOTHING = str(uuid4())

# Each command that writes to the record, with valid arguments.
WRITING: dict[str, tuple[str, ...]] = {
    "import_contracts": ("-",),
    "activate_contract": (NOTHING,),
    "activate_due_contracts": (),
    "cancel_job": (NOTHING, "--reason", "No longer wanted."),
    "import_review_verdicts": ("-",),
    "import_audit_verdicts": ("-",),
    "expire_contracts": (),
    "fail_timed_out_jobs": (),
    "start_freeze": ("--hours", "1", "--reason", "The sky is falling."),
    "lift_freeze": ("--reason", "It did not."),
    "resolve_audit": (NOTHING, "--verdict", "PASS", "--reason", "Looked at it again."),
    "create_api_token": ("somebody", "--role", "Viewer", "--create"),
    "rotate_api_token": (NOTHING,),
    "revoke_api_token": (NOTHING,),
    "record_signal": ("--scope", "S", "--type", "t", "--decision", "HEALTHY", "--reason", "fine"),
}
# These only read, or delete rows outside the record, so they need no acting user.
READING = (
    *("archive_contracts", "check_health_rules", "check_routes", "verify_archive"),
    *("checkpoint_ledger", "export_evidence", "list_api_tokens", "purge_idempotency_keys"),
    *("doctor", "job_report", "evaluate_validator", "explain_eligibility", "explain_verdict"),
    *("verify_evidence", "verify_ledger"),
)
# These run before a user exists.
FIRST = ("grant_app_role", "load_demo", "migrate", "run_dev")
# These need the PostgreSQL role that owns the tables, not a user.
OWNING = ("remove_archived", "restore_guards")
# `run_executor` acts over the API as the user of its token, the others as accounts of authorities.
ELSEWHERE = ("audit_job", "observe_platform", "run_executor", "run_job", "worker")

ARGUMENTS = {
    "import_contracts": ("FILE", "--registry", "--source", "--as USER", "--json"),
    "activate_contract": ("CONTRACT", "--timeout-minutes", "--as USER", "--json"),
    "activate_due_contracts": ("--timeout-minutes", "--as USER", "--json"),
    "cancel_job": ("JOB", "--reason", "--as USER"),
    "import_review_verdicts": ("FILE", "--as USER", "--json"),
    "import_audit_verdicts": ("FILE", "--as USER", "--json"),
    "expire_contracts": ("--force N", "--as USER", "--json"),
    "fail_timed_out_jobs": ("--force N", "--as USER", "--json"),
    "start_freeze": ("--hours", "--until", "--reason", "--as USER", "--json"),
    "lift_freeze": ("--freeze", "--reason", "--as USER", "--json"),
    "resolve_audit": ("JOB", "--verdict", "--reason", "--as USER"),
    "evaluate_validator": ("FILE", "--registry FILE", "--mistakes", "--json"),
    "explain_eligibility": ("CONTRACT", "--json", "recorded verdict", "as of now"),
    "explain_verdict": ("FILE", "--registry FILE", "--source", "--json"),
    "job_report": ("JOB", "--html FILE", "--force", "--json"),
    "export_evidence": ("JOB", "--output", "--signed", "--force"),
    "create_api_token": (
        *("USER", "--role", "--days", "--create", "--name", "--verb", "--capability"),
        *("--as USER", "--json"),
    ),
    "list_api_tokens": ("--user", "--all", "--json"),
    "rotate_api_token": ("TOKEN", "--overlap-hours", "--as USER", "--json"),
    "revoke_api_token": ("TOKEN", "--reason", "--as USER", "--json"),
    "record_signal": (
        *("--scope", "--type", "--decision", "--reason", "--expires-in", "--expires-at"),
        *("--as USER", "--json"),
    ),
    "archive_contracts": ("--before DATE", "--to DIR", "--sign", "--dry-run", "--json"),
    "check_health_rules": ("--json", "GOVSITE_PROMETHEUS_FILE"),
    "check_routes": ("JOB", "--json", "GOVSITE_EXECUTION_FILE", "would leave the job alone"),
    "verify_archive": ("DIR", "--key", "--json", "bad_archive"),
    "remove_archived": ("DIR", "--confirm", "--json", "not_the_owner"),
    "checkpoint_ledger": ("--output", "--public-key"),
    "verify_evidence": ("FILE", "--key", "--json"),
    "verify_ledger": ("CONTRACT", "--checkpoint", "--key", "--archive", "--json"),
    "purge_idempotency_keys": ("24 hours", "--json"),
    "grant_app_role": ("ROLE", "--apply", "role_too_strong"),
    "doctor": ("--only CHECK", "--json", "something is wrong"),
    "restore_guards": ("not_the_owner", "verify_ledger"),
    "load_demo": ("manage.py load_demo",),
    "migrate": ("--plan", "--database", "grant_app_role"),
    "run_executor": (
        "--url",
        "--handler MODULE:NAME",
        "--token-file",
        "--jobs",
        "--once",
        "--json",
    ),
    "audit_job": ("JOB", "--json", "INCONCLUSIVE", "GOVSITE_AUDITOR"),
    "observe_platform": ("SCOPE", "--json", "drifts", "could not be observed"),
    "run_job": ("JOB", "--json", "check_routes JOB", "GOVSITE_EXECUTION_FILE"),
    "worker": ("--concurrency N",),
    "run_dev": ("--host", "--port", "--no-demo"),
}


def test_commands__ours__are_all_examined_here() -> None:
    ours = {name for name, app in get_commands().items() if app == "governance"}
    assert ours == {*WRITING, *READING, *FIRST, *OWNING, *ELSEWHERE} == set(ARGUMENTS)


@pytest.mark.parametrize("name", sorted(ARGUMENTS))
def test_command__asked_for_help__explains_itself(name: str, capsys: object) -> None:
    command = load_command_class("governance", name)
    assert isinstance(command, GovernanceCommand)
    text = command.create_parser("manage.py", name).format_help()
    assert "examples:" in text
    assert f"manage.py {name}" in text
    assert "exit codes:" in text
    for argument in ARGUMENTS[name]:
        assert argument in text


@pytest.mark.parametrize("name", ["import_contracts", "run_dev"])
def test_command__help_in_a_shell__exits_with_0(name: str) -> None:
    outcome = shell(name, "--help")
    assert outcome.returncode == 0
    assert b"exit codes:" in outcome.stdout


@pytest.mark.parametrize("name", sorted(WRITING))
def test_writing_command__without_as__is_used_wrongly(name: str, capfd: object) -> None:
    ran = run(name, *WRITING[name])
    assert ran.code == 2
    assert "--as" in ran.err


@pytest.mark.parametrize("name", sorted(WRITING))
def test_writing_command__as_an_unknown_user__is_refused(users: Users, name: str) -> None:
    ran = run(name, *WRITING[name], "--as", "nobody")
    assert (ran.code, ran.err) == (1, "error: There is no active user 'nobody'. (user_not_found)\n")


@pytest.mark.parametrize("name", sorted(WRITING))
def test_writing_command__as_an_inactive_user__is_refused(users: Users, name: str) -> None:
    users.operator.is_active = False
    users.operator.is_superuser = True
    users.operator.save()
    ran = run(name, *WRITING[name], "--as", "operator")
    assert ran.code == 1
    assert "(user_not_found)" in ran.err


@pytest.mark.parametrize("name", sorted(WRITING))
def test_writing_command__as_a_user_without_permission__is_refused(users: Users, name: str) -> None:
    ran = run(name, *WRITING[name], "--as", "viewer")
    assert ran.code == 1
    assert ran.err.endswith("(not_permitted)\n")


@pytest.mark.parametrize("name", ["start_freeze", "lift_freeze", "resolve_audit"])
def test_deciding_command__superuser_outside_the_group__is_refused(users: Users, name: str) -> None:
    users.outsider.is_superuser = True
    users.outsider.save()
    ran = run(name, *WRITING[name], "--as", "outsider")
    assert ran.code == 1
    assert ran.err.endswith("(not_permitted)\n")


@pytest.mark.parametrize("name", ["activate_contract", "cancel_job"])
def test_writing_command__superuser__has_every_permission(users: Users, name: str) -> None:
    users.outsider.is_superuser = True
    users.outsider.save()
    ran = run(name, *WRITING[name], "--as", "outsider")
    assert ran.code == 1
    assert "not_found)" in ran.err  # the permission check passed; the lookup failed


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("activate_contract", ("no-id", "--as", "operator")),
        ("activate_contract", (NOTHING, "--timeout-minutes", "0", "--as", "operator")),
        ("activate_contract", (NOTHING, "--timeout-minutes", "1441", "--as", "operator")),
        ("activate_due_contracts", ("--timeout-minutes", "x", "--as", "operator")),
        ("cancel_job", (NOTHING, "--as", "operator")),
        ("resolve_audit", (NOTHING, "--verdict", "INCONCLUSIVE", "--reason", "x", "--as", "a")),
        ("create_api_token", ("x", "--role", "Emperor", "--as", "admin")),
        ("create_api_token", ("x", "--role", "Viewer", "--days", "0", "--as", "admin")),
        ("create_api_token", ("x", "--role", "Viewer", "--days", "366", "--as", "admin")),
        ("create_api_token", ("x", "--role", "Viewer", "--verb", "fly", "--as", "admin")),
        ("rotate_api_token", (NOTHING, "--overlap-hours", "169", "--as", "admin")),
        ("record_signal", ("--scope", "S", "--as", "operator")),
        *(
            ("record_signal", ("--scope", "S", "--type", "t", "--decision", *words))
            for words in (
                ("FINE", "--reason", "x", "--as", "operator"),
                *(
                    ("OK", "--reason", "x", "--as", "operator", "--expires-in", duration)
                    for duration in ("", "5", "m", "0s", "1.5h", "-1d", "366d", "9" * 12 + "s")
                ),
                ("OK", "--reason", "x", "--as", "operator", "--expires-at", "tomorrow"),
            )
        ),
        ("export_evidence", ()),
        ("grant_app_role", ()),
        ("run_dev", ("--port", "0")),
        ("run_dev", ("--port", "65536")),
    ],
)
def test_command__used_wrongly__exits_with_2(name: str, arguments: tuple[str, ...]) -> None:
    assert run(name, *arguments).code == 2


def test_command__database_unavailable__says_so() -> None:
    outcome = shell(
        "expire_contracts",
        "--as",
        "operator",
        environment={"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing"},
    )
    assert outcome.returncode == 3
    assert outcome.stderr.startswith(b"error: The database cannot be reached: ")
    assert b"Traceback" not in outcome.stderr


def test_command__settings_that_cannot_be__says_so() -> None:
    outcome = shell("run_dev", environment={"DATABASE_URL": "mysql://somewhere/x"})
    assert outcome.returncode == 3
    assert outcome.stderr.startswith(b"error: DATABASE_URL must have the form postgresql://")
    assert b"Traceback" not in outcome.stderr


def test_command__output_pipe_closed__exits_quietly(committed: Users) -> None:
    process = subprocess.Popen(
        [sys.executable, "manage.py", "verify_ledger"],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": this_database()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    error_output = process.stderr.read()
    # The clock of a test's database is adjustable, which the command names.
    warning = f"Warning: {CLOCK_REPLACED}\n".encode()
    assert (process.wait(60), error_output) == (141, warning)
