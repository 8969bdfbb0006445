"""Tests of the write matrix: which module writes which table and status, read from the code."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from governance import models
from governance.models.sql import read_sql, sql_files
from tests.support.writing_calls import WRITING, written_by

ROOT = Path(__file__).resolve().parents[2]
CODE = sorted(
    path
    for path in (ROOT / "governance").rglob("*.py")
    if "migrations" not in path.parts and "models" not in path.parts
)
MODELS = set(models.__all__)
MODEL_OF = {getattr(models, name)._meta.db_table: name for name in sorted(MODELS)}
WRITING_METHODS = {
    "create",
    "bulk_create",
    "bulk_update",
    "update",
    "update_or_create",
    "get_or_create",
    "delete",
}

SAVING = {"save", "asave", "save_change"}

# Model or status → the only modules that may write it.
WRITERS = {
    # The SQL call of an activation also writes the contract's move, made by its own operation.
    "SystemContract": {"authorities.contract.creation", "authorities.orchestrator.activation"},
    "SystemContract.status": {"authorities.contract.operations"},
    "TakenReference": {"authorities.contract.references"},
    "ClarificationRequest": {"authorities.contract.clarifications"},
    "ClarificationAnswer": {"authorities.contract.clarifications"},
    "ContractComment": {"authorities.contract.comments"},
    "ApprovalSignature": {"authorities.contract.signatures"},
    "RollbackAuthorisation": {"authorities.contract.rollback_authorisations"},
    "GovernanceJob": {
        "authorities.orchestrator.activation",
        "authorities.orchestrator.step_results",
        "authorities.orchestrator.tracking",
    },
    "GovernanceJob.status": {"authorities.orchestrator.tracking"},
    "JobStep": {"authorities.orchestrator.activation"},
    "StepResult": {"authorities.orchestrator.step_results"},
    "HealthSnapshot": {
        "authorities.orchestrator.activation",
        "authorities.orchestrator.snapshots",
        "authorities.orchestrator.tracking",
    },
    "Observation": {
        "authorities.orchestrator.observations",
        "authorities.orchestrator.tracking",
    },
    "ObservedState": {"authorities.health.observed_states"},
    "AuditEvidence": {"authorities.orchestrator.evidence", "authorities.orchestrator.tracking"},
    "AuditAttempt": {"authorities.audit.attempts"},
    "GovernanceAudit": {"authorities.audit.verdicts"},
    "AuditResolution": {"authorities.audit.verdicts"},
    # The SQL calls of the orchestrator append their entries by the SQL function that `chain` calls.
    "LedgerEntry": {
        "record.ledger.chain",
        "authorities.orchestrator.activation",
        "authorities.orchestrator.step_results",
        "authorities.orchestrator.tracking",
    },
    # A database guard (`registry_follows.sql`) also writes these with each COMPLETED step result.
    "RegistryImport": {"services.registry.operations"},
    "RegistryChange": {"services.registry.operations"},
    "Capability": {"services.registry.operations"},
    "ConfigurationEntry": {"services.registry.operations"},
    "GovernanceSignal": {"authorities.health.signals"},
    "HealthFailure": {"authorities.health.failures"},
    "IdempotencyRecord": {"services.idempotency.stored_responses"},
    "ChangeFreeze": {"services.freezes.operations"},
    "FreezeLift": {"services.freezes.operations"},
    "HandlerBreaker": {"services.breakers.operations"},
    "BreakerEvent": {"services.breakers.operations"},
    "Notice": {"services.notices.operations"},
    # The authorities only name a person, whose name was read together with a contract or a job.
    "Account": {
        "services.access.accounts",
        "authorities.contract.queries",
        "authorities.orchestrator.job_state",
    },
    "ApiToken": {"services.access.tokens"},
    "ContractTombstone": {"record.retention.removal"},
}
# The one exception: the removal of an archived contract deletes all its rows.
REMOVED_WITH_THEIR_CONTRACT = {
    "AuditAttempt",
    *("SystemContract", "LedgerEntry", "ApprovalSignature", "ContractComment"),
    "RollbackAuthorisation",
    *("ClarificationRequest", "ClarificationAnswer", "GovernanceJob", "JobStep", "StepResult"),
    *(
        "HealthSnapshot",
        "Observation",
        "AuditEvidence",
        "GovernanceAudit",
        "AuditResolution",
        "Notice",
    ),
}
for _name in REMOVED_WITH_THEIR_CONTRACT:
    WRITERS[_name].add("record.retention.removal")
CONTRACT_MOVES = {
    "to_validated",
    "to_eligible",
    "to_approved",
    "to_active",
    "to_rejected",
    "to_expired",
}
JOB_MOVES = {"to_running", "to_cancelled"}
IMPORTS_BY_NAME = {"import_module", "import_string", "resolve_name", "__import__"}
# The first loads the handler that the command line names, the second what a setting names.
MAY_IMPORT_BY_NAME = {"management.executing", "authorities.health.readings"}


def test_each_table_and_status__has_one_writing_authority() -> None:
    matrix = write_matrix()
    print_matrix(matrix)
    assert matrix == WRITERS


def test_text_and_hash_of_an_entry__are_made_by_one_sql_function() -> None:
    inserting = [name for name in sql_files() if "INTO governance_ledgerentry" in read_sql(name)]
    assert inserting == ["append_entries"]


def test_rows_are_saved__only_by_the_modules_that_write_them() -> None:
    saving = {
        module_name(path)
        for path in CODE
        for call in calls_in(path)
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in {"save", "asave", "save_change"}
    }
    allowed = {
        "authorities.contract.approval",
        "authorities.contract.creation",
        "authorities.contract.operations",
        "services.access.accounts",
        "services.access.tokens",
    }
    assert {name for name in saving if not name.startswith(("management", "demo"))} == allowed


@pytest.mark.parametrize("path", CODE, ids=lambda path: module_name(path))
def test_module__does_not_load_models_by_their_names(path: Path) -> None:
    """`apps.get_model("…")` and imports by name would bypass the import contracts."""
    names = {call.func.attr for call in calls_in(path) if isinstance(call.func, ast.Attribute)} | {
        call.func.id for call in calls_in(path) if isinstance(call.func, ast.Name)
    }
    assert not names & {"get_model", "get_models"}
    assert module_name(path) in MAY_IMPORT_BY_NAME or not names & IMPORTS_BY_NAME


@pytest.mark.parametrize("path", CODE, ids=lambda path: module_name(path))
def test_module__writes_no_table_by_raw_sql(path: Path) -> None:
    text = [
        node.value.upper()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    writes = ("INSERT INTO", "UPDATE GOVERNANCE_", "DELETE FROM", "TRUNCATE ")
    assert not [line for line in text if line.lstrip().startswith(writes)]


def write_matrix() -> dict[str, set[str]]:
    matrix: dict[str, set[str]] = defaultdict(set)
    for path in CODE:
        for call in calls_in(path):
            for subject in subjects_written(call):
                matrix[subject].add(module_name(path))
        for name in re.findall(r"governance_(\w+)\(", path.read_text()):
            for table in written_by(name) if name in WRITING else ():
                matrix[MODEL_OF[table]].add(module_name(path))
    return dict(matrix)


def subjects_written(call: ast.Call) -> Iterator[str]:
    match call.func:
        case ast.Name(id=name) if name in MODELS:
            yield name
        case ast.Name(id="unsaved_instance"):  # builds a row of the model in its first argument
            yield from {node.id for node in call.args if isinstance(node, ast.Name)} & MODELS
        case ast.Name(id="getattr") if any("to_" in ast.dump(arg) for arg in call.args):
            yield "GovernanceJob.status"
        case ast.Attribute(attr=attr) if attr in CONTRACT_MOVES:
            yield "SystemContract.status"
        case ast.Attribute(attr=attr) if attr in JOB_MOVES:
            yield "GovernanceJob.status"
        case ast.Attribute(attr=attr) if attr in WRITING_METHODS:
            names = {node.id for node in ast.walk(call.func) if isinstance(node, ast.Name)}
            yield from names & MODELS


def calls_in(path: Path) -> list[ast.Call]:
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT / "governance").with_suffix("").parts)


def print_matrix(matrix: dict[str, set[str]]) -> None:
    for subject, writers in sorted(matrix.items()):
        print(f"{subject:24} ← {', '.join(sorted(writers))}")  # noqa: T201 - the matrix is output
