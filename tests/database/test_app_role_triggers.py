"""The triggers against the application's role, whatever session settings it changes.

The tests try every setting that the role may change: none switches a guard off. The main path
runs over sessions whose only role is the application's.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction

from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.domain.values import ActivationWindow, ContractStatus
from governance.flows.review_contract import approve_contract
from governance.models import GovernanceJob, SystemContract
from tests.support.attacks import (
    check_deferred_triggers,
    foreign_key,
    nothing_written,
    run_sql,
    update_row,
    violated_constraint,
)
from tests.support.clock import as_of
from tests.support.commands import proposal_line, run, write_lines
from tests.support.factories import Running, approved, eligible, finished_job, now, running_job
from tests.support.forgery import (
    CONTRACT,
    EVIDENCE,
    JOB,
    NOON,
    forge_audit,
    forge_entry,
    forge_evidence,
    forge_job,
    forge_result,
    forge_step,
)
from tests.support.roles import app_role, app_session, as_owner, only_app_role, require_app_role
from tests.support.signing import as_seen
from tests.support.users import Users
from tests.support.verdicts import judge

Attack = Callable[[], Any]

# Three can only be set before a transaction's first query; the fourth ends the session on error.
NOT_TRIED = {
    "transaction_deferrable",
    "transaction_isolation",
    "transaction_read_only",
    "exit_on_error",
}


@pytest.fixture
def attacks(users: Users) -> dict[str, Attack]:
    """Return one attack for each kind of guard, keyed by the constraint that must refuse it."""
    contract, waiting, ended = approved(users), eligible(users), finished_job(users)
    running = running_job(users)
    running.complete_steps(1)
    check_deferred_triggers()  # for the rows above, so that each attack meets its own constraint

    def at_commit(attack: Attack) -> Attack:
        def committed() -> None:
            attack()
            check_deferred_triggers()

        return committed

    def untold_result() -> None:
        forge_result(running.job.pk, 1, users.executor)
        update_row(JOB, running.job.pk, current_step_index=2)

    return {
        "contract_moves": lambda: update_row(CONTRACT, waiting.pk, status="COMPLETED"),
        "contract_approves_its_content": lambda: update_row(
            CONTRACT, waiting.pk, approved_digest="0" * 64
        ),
        "contract_approval_frozen": lambda: update_row(CONTRACT, contract.pk, approved_at=NOON),
        "job_terminal_immutable": lambda: update_row(JOB, ended.pk, end_reason="Nicer."),
        "job_start_frozen": lambda: update_row(JOB, running.job.pk, started_at=NOON),
        "job_steps_sealed": lambda: forge_step(running.job.pk, 3),
        "step_results_in_order": lambda: forge_result(running.job.pk, 2, users.executor),
        "evidence_digest": lambda: forge_evidence(running.job.pk, sha256="0" * 64),
        "audit_independent": lambda: forge_audit(ended, users.executor),
        "ledger_chain": lambda: forge_entry(contract.pk, seq=99),
        "ledger_covers_result": at_commit(untold_result),
        "ledger_covers_status": at_commit(
            lambda: update_row(CONTRACT, waiting.pk, status="EXPIRED", closed_at=now())
        ),
        "contract_has_one_job": at_commit(
            lambda: update_row(CONTRACT, contract.pk, status="ACTIVE")
        ),
        "job_belongs_to_active_contract": at_commit(
            lambda: forge_step(forge_job(contract.pk, users.operator), 0)
        ),
        foreign_key(EVIDENCE, "job_id"): at_commit(lambda: forge_evidence(uuid4())),
        "governance_auditevidence_job_id_key": lambda: forge_evidence(ended.pk),
    }


def outcomes(attacks: dict[str, Attack], *settings: tuple[str, str]) -> dict[str, str]:
    """Return the constraint that refused each attack under these settings; "" if none did."""
    found = {}
    for constraint, attack in attacks.items():
        try:
            with transaction.atomic():
                for name, value in settings:
                    run_sql("SELECT set_config(%s, %s, true)", name, value)
                attack()
                transaction.set_rollback(True)
                found[constraint] = ""
        except DatabaseError as error:
            found[constraint] = violated_constraint(error)
    return found


def settings_to_try() -> list[tuple[str, str]]:
    """Return every boolean setting of a session inverted, and every other value of each enum."""
    rows = run_sql(
        "SELECT name, vartype, setting, enumvals FROM pg_settings"
        " WHERE context = 'user' AND vartype IN ('bool', 'enum') ORDER BY name"
    )
    tried = [
        (name, value)
        for name, kind, setting, values in rows
        if name not in NOT_TRIED
        for value in (["off" if setting == "on" else "on"] if kind == "bool" else values)
        if value != setting
    ]
    return [
        *tried,
        ("search_path", "pg_temp, pg_catalog, public"),
        ("search_path", "pg_catalog, public"),
        ("pgtrigger.ignore", "governance_ledgerentry:ledger_chain"),
        ("plpgsql.variable_conflict", "use_column"),
        ("plpgsql.extra_errors", "all"),
        ("TimeZone", "Asia/Kathmandu"),
        ("DateStyle", "SQL, DMY"),
        ("extra_float_digits", "-15"),
        ("default_table_access_method", "heap"),
    ]


def test_attacks__as_the_application__each_refused_by_its_trigger(
    attacks: dict[str, Attack],
) -> None:
    assert run_sql("SELECT current_user") == [(require_app_role(),)]
    with nothing_written():
        found = outcomes(attacks)
    assert found == {constraint: constraint for constraint in attacks}


def test_attacks__after_any_setting_the_role_may_change__refused_all_the_same(
    attacks: dict[str, Attack],
) -> None:
    tried = settings_to_try()
    assert len(tried) > 80
    with nothing_written():
        got_through = {
            (setting, constraint)
            for setting in tried
            for constraint, refusal in outcomes(attacks, setting).items()
            if refusal == ""
        }
    assert got_through == set()


def test_settings__that_the_guards_depend_on__are_not_the_roles_to_change(
    committed: Users,
) -> None:
    with app_session() as session:
        for name in ("session_replication_role", "allow_system_table_mods", "lo_compat_privileges"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                session.execute(f"SET {name} = {'replica' if 'role' in name else 'on'}")
        session.execute("SET role = 'none'")
        whom = session.execute("SELECT current_user").fetchone()
    assert whom == (app_role(),)


def test_names__shadowed_where_the_role_may_create__triggers_still_hold(committed: Users) -> None:
    """The role creates temporary tables and functions, which its grants normally forbid."""
    contract = approved(committed)
    with as_owner():
        run_sql(f'GRANT TEMPORARY ON DATABASE "{connection.settings_dict["NAME"]}" TO PUBLIC')
    with app_session() as session:
        session.execute("CREATE TEMPORARY TABLE governance_systemcontract (LIKE public.auth_group)")
        session.execute("CREATE TEMPORARY TABLE governance_ledgerentry (LIKE public.auth_group)")
        for function in (
            "governance_refuse(guard text, message text) RETURNS void LANGUAGE sql AS 'SELECT'",
            "governance_contract_may_move(a text, b text) RETURNS boolean LANGUAGE sql"
            " AS 'SELECT true'",
            "split_part(text, text, int) RETURNS text LANGUAGE sql AS 'SELECT NULL::text'",
        ):
            session.execute(f"CREATE FUNCTION pg_temp.{function}")
        session.execute("SET search_path = pg_temp, public, pg_catalog")
        with pytest.raises(psycopg.errors.CheckViolation) as caught:
            session.execute(
                "UPDATE public.governance_systemcontract SET status = 'VALIDATED' WHERE id = %s",
                [contract.pk],
            )
        assert caught.value.diag.constraint_name == "contract_moves"
        with pytest.raises(psycopg.errors.CheckViolation) as caught:
            session.execute(
                "UPDATE public.governance_systemcontract SET status = 'ACTIVE' WHERE id = %s",
                [contract.pk],
            )
        assert caught.value.diag.constraint_name in {"contract_has_one_job", "ledger_covers_status"}


def test_main_path__over_sessions_of_the_role_alone__runs_to_its_verdict(
    committed: Users, tmp_path: Path
) -> None:
    file = write_lines(tmp_path / "changes.jsonl", [proposal_line("ROLE-1")])
    role = app_role()
    with only_app_role():
        assert run_sql("SELECT session_user, current_user") == [(role, role)]
        ran = run("import_contracts", file, "--as", "operator", "--json")
        assert (ran.code, ran.json()["created"]) == (0, 1), ran
        contract = SystemContract.objects.get()
        at = contract.created_at
        as_of(
            at,
            approve_contract,
            contract_id=contract.pk,
            founder=committed.founder,
            window=ActivationWindow(at, contract.expires_at),
            **as_seen(contract),
        )
        assert run("activate_contract", contract.pk, "--as", "operator").code == 0
        job = GovernanceJob.objects.get()
        job, token = GovernanceOrchestrator.start_job(job_id=job.pk, executor=committed.executor)
        running = Running(job, token, committed)
        running.complete_steps()
        judge(running.complete(), committed.auditor)
        ran = run("record_signal", "--scope", "Search", "--type", "t", "--decision", "HEALTHY",
                  "--reason", "fine", "--as", "operator")  # fmt: skip
        assert ran.code == 0, ran
        assert run("verify_ledger").code == 0
        assert SystemContract.objects.get().status == ContractStatus.COMPLETED
