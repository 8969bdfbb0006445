"""The installed guards are exactly those in governance/models/sql, and all are enabled."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.apps import apps
from django.db import transaction

from governance.db.errors import CONSTRAINT_ERRORS
from governance.models.sql import installable_statements, read_sql, sql_files
from tests.support.attacks import run_sql
from tests.support.roles import as_owner

pytestmark = pytest.mark.django_db

FUNCTIONS = """
    SELECT oid::regprocedure::text, pg_get_functiondef(oid) FROM pg_proc
     WHERE proname LIKE 'governance%%' AND pronamespace = 'public'::regnamespace
"""
TRIGGERS = """
    SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid), tgenabled FROM pg_trigger
     WHERE NOT tgisinternal AND tgname NOT LIKE 'procrastinate%%'
"""
# Tables without a trigger against removal. Grants and foreign keys still keep the application from
# removing accounts.
FREE_TABLES = {
    "governance_account",
    "governance_idempotencyrecord",
    "governance_observedstate",  # only the newest observation of each scope
    "governance_platformvalue",  # a view
    "governance_registryvalue",  # a view
}

# Constraints that no operation can violate: a refusal raises IntegrityViolationError.
SPEAK_FOR_THE_RECORD = {
    "approval_ends_by_time_or_founder",
    "approval_signed",
    "attempt_verdict_given",
    "audit_append_only",
    "audit_attempt_append_only",
    "audit_verdict_given",
    "breaker_as_recorded",
    "breaker_closed_by_person",
    "breaker_event_append_only",
    "breaker_event_has_reason",
    "breaker_has_fault",
    "breaker_moves",
    "breaker_never_removed",
    "breaker_state_known",
    "capability_lifecycle_known",
    "capability_with_its_key",
    "change_freeze_append_only",
    "change_freeze_has_reason",
    "change_freeze_in_bounds",
    "change_freeze_read_committed",
    "clarification_answer_append_only",
    "clarification_answer_not_empty",
    "clarification_question_not_empty",
    "clarification_request_append_only",
    "comment_append_only",
    "comment_text_not_empty",
    "contract_approval_frozen",
    "contract_approval_kind_known",
    "contract_approval_only_by_approving",
    "contract_approved_has_approval",
    "contract_closed_means_terminal",
    "contract_completed_has_pass",
    "contract_confidence_in_bounds",
    "contract_content_frozen",
    "contract_eligible_has_content",
    "contract_has_one_job",
    "contract_never_removed",
    "contract_origin_frozen",
    "contract_pre_authorised_is_rollback",
    "contract_review_clock",
    "contract_risk_asked_known",
    "contract_risk_derived",
    "contract_risk_level_known",
    "contract_source_known",
    "contract_status_known",
    "contract_verdict_backed",
    "contract_verdict_fits_status",
    "evidence_digest",
    "evidence_written_once",
    "freeze_lift_append_only",
    "freeze_lift_has_reason",
    "governance_account_machine_key",
    "governance_account_username_key",
    "governance_apitoken_rotated_from_id_key",
    "governance_auditevidence_job_id_key",
    "governance_capability_name_key",
    "governance_handlerbreaker_handler_key",
    "health_failure_append_only",
    "health_failure_has_reason",
    "health_snapshot_in_time",
    "health_snapshot_written_once",
    "governance_observedstate_scope_key",
    "observation_append_only",
    "observation_in_time",
    "observation_of_step_has_index",
    "observation_once_per_phase",
    "observation_phase_known",
    "observation_state_or_trouble",
    "observed_state_or_trouble",
    "idempotency_response_complete",
    "job_is_rollback",
    "job_agrees_with_results",
    "ledger_covers_attempt",
    "job_cursor_in_bounds",
    "job_ended_means_terminal",
    "job_ends_with_evidence",
    "job_has_steps",
    "job_lease_in_deadline",
    "job_lease_renewed_by_report",
    "job_never_removed",
    "job_pending_has_not_started",
    "job_plan_frozen",
    "job_run_by_fixed",
    "job_run_by_known",
    "job_running_has_started",
    "job_running_holds_lease",
    "job_start_frozen",
    "job_status_known",
    "job_step_written_once",
    "job_steps_sealed",
    "job_timeout_in_bounds",
    "ledger_append_only",
    "ledger_chain",
    "ledger_covers_clarification",
    "ledger_covers_result",
    "ledger_covers_signature",
    "ledger_covers_status",
    "ledger_covers_update",
    "ledger_one_entry_per_step",
    "ledger_seq_once",
    "notice_kind_known",
    "notice_never_removed",
    "notice_read_once",
    "notice_text_not_empty",
    "one_value_per_key",
    "reference_append_only",
    "registry_change_append_only",
    "registry_change_one_origin",
    "registry_follows",
    "registry_import_append_only",
    "registry_row_kept",
    "removal_is_final",
    "resolution_append_only",
    "resolution_pass_or_fail",
    "result_completed_or_failed",
    "result_ends_after_start",
    "setting_with_its_key",
    "signal_decision_known",
    "signal_expires_later",
    "signal_history_kept",
    "signal_never_removed",
    "signal_one_active",
    "governance_rollbackauthorisation_sha256_key",
    "governance_rollbackauthorisation_signature_id_key",
    "rollback_authorisation_append_only",
    "rollback_authorisation_not_empty",
    "rollback_authorised",
    "signature_append_only",
    "signature_quorum_in_bounds",
    "signature_signs_view",
    "snapshot_once_per_phase",
    "snapshot_phase_known",
    "step_index_once",
    "step_result_append_only",
    "step_result_within_job",
    "time_is_current",
    "token_capabilities_not_empty",
    "token_digest_once",
    "token_grant_immutable",
    "token_never_removed",
    "token_revocation_complete",
    "token_verbs_not_empty",
    "tombstone_append_only",
    "tombstone_by_owner",
    "tombstone_fits_contract",
    "tombstone_leaves_nothing",
    "tombstone_of_one_proposal",
}


def catalogue() -> tuple[set[tuple[str, ...]], set[tuple[str, ...]]]:
    """Return the definitions of all `governance` functions and triggers in PostgreSQL."""
    return set(run_sql(FUNCTIONS)), set(run_sql(TRIGGERS))


@contextmanager
def undone() -> Iterator[None]:
    with as_owner(), transaction.atomic():
        yield
        transaction.set_rollback(True)


def install_all() -> None:
    for name in sql_files():
        for statement in installable_statements(name):
            run_sql(statement.replace("%", "%%"))


def restore_clock() -> None:
    """Install the product's clock again, which is adjustable in the databases of the suite."""
    run_sql(installable_statements("now")[0])


def drop_all() -> None:
    for table, trigger, *_ in run_sql(TRIGGERS):
        run_sql(f'DROP TRIGGER "{trigger}" ON {table}')
    for signature, _ in run_sql(FUNCTIONS):
        run_sql(f"DROP FUNCTION {signature} CASCADE")


def constraints_raised() -> set[str]:
    """Return the constraint names that the SQL files raise."""
    text = "\n".join(read_sql(name) for name in sql_files())
    raised = set(re.findall(r"governance_refuse\(\s*'(\w+)'", text))
    return raised | set(re.findall(r"governance_append_only\(\s*'(\w+)'", text))


def constraints_of_models() -> set[str]:
    return {
        str(constraint.name)
        for model in apps.get_app_config("governance").get_models()
        for constraint in model._meta.constraints
    }


def names_in_catalogue() -> set[str]:
    """Return the names of the constraints and unique indexes of the `governance` tables."""
    constraints = run_sql(
        "SELECT conname FROM pg_constraint WHERE conrelid::regclass::text LIKE 'governance_%%'"
    )
    indexes = run_sql(
        "SELECT relname FROM pg_index JOIN pg_class ON oid = indexrelid WHERE indisunique"
        " AND indrelid::regclass::text LIKE 'governance_%%'"
    )
    return {name for (name,) in constraints + indexes}


def unique_columns() -> set[str]:
    """Return the unique constraints whose names PostgreSQL derives from the column."""
    named = "SELECT conname FROM pg_constraint WHERE contype = 'u' AND conname LIKE %s"
    return {name for (name,) in run_sql(named, "governance_%_key")}


def test_catalogue__against_the_files_installed_again__identical() -> None:
    with undone():
        restore_clock()
        before = catalogue()
        install_all()
        assert catalogue() == before


def test_catalogue__against_the_files_installed_from_nothing__identical() -> None:
    with undone():
        restore_clock()
        before = catalogue()
        drop_all()
        assert catalogue() == (set(), set())
        install_all()
        assert catalogue() == before


def test_triggers__all_of_them__are_always_enabled() -> None:
    off = [(table, name) for table, name, _, enabled in run_sql(TRIGGERS) if enabled != "A"]
    assert off == []


def test_functions__all_of_them__fix_their_search_path() -> None:
    """A body that begins with RETURN is exempt: PostgreSQL resolves its names on creation."""
    settings = run_sql(
        "SELECT proname, proconfig FROM pg_proc WHERE proname LIKE 'governance%%'"
        " AND pronamespace = 'public'::regnamespace AND prosqlbody IS NULL"
    )
    assert settings
    assert {name for name, config in settings if config != ["search_path=public, pg_temp"]} == set()


def test_functions__none__runs_with_its_owners_rights() -> None:
    assert (
        run_sql("SELECT proname FROM pg_proc WHERE prosecdef AND proname LIKE 'governance%%'") == []
    )


def test_tables__all_of_the_record__refuse_delete_and_truncate() -> None:
    guarded: dict[str, set[str]] = {}
    for table, _, definition, _ in run_sql(TRIGGERS):
        if "governance_append_only" in definition:
            events = set(re.findall(r"\b(DELETE|TRUNCATE)\b", definition.partition(" ON ")[0]))
            guarded.setdefault(table, set()).update(events)
    models = apps.get_app_config("governance").get_models()
    tables = {model._meta.db_table for model in models} - FREE_TABLES
    assert guarded == {table: {"DELETE", "TRUNCATE"} for table in tables}


def test_refusals__of_the_append_only_triggers__carry_the_triggers_names() -> None:
    named = {
        (name.removesuffix("_truncate"), found[1])
        for _, name, definition, _ in run_sql(TRIGGERS)
        if (found := re.search(r"governance_append_only\('(\w+)', '[\w ]+'\)", definition))
    }
    assert len(named) > 10
    assert {reported for name, reported in named if reported != name} == set()


def test_constraints__all_that_the_models_name__are_in_force() -> None:
    assert constraints_of_models() <= names_in_catalogue()
    assert run_sql("SELECT conname FROM pg_constraint WHERE NOT convalidated") == []


def test_errors__every_trigger_and_constraint__has_its_error_by_decision() -> None:
    every = constraints_raised() | constraints_of_models() | unique_columns()
    assert every - set(CONSTRAINT_ERRORS) == SPEAK_FOR_THE_RECORD
    assert SPEAK_FOR_THE_RECORD.isdisjoint(CONSTRAINT_ERRORS)


def test_errors__every_translation__is_of_a_trigger_that_exists() -> None:
    assert set(CONSTRAINT_ERRORS) <= constraints_raised() | names_in_catalogue()
