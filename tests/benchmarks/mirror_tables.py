"""Mirror tables: copies of the record's tables in the schema `bare`, without triggers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from governance.models import (
    ApprovalSignature,
    AuditEvidence,
    GovernanceJob,
    HealthSnapshot,
    JobStep,
    LedgerEntry,
    StepResult,
    SystemContract,
)

_LIMIT = (Path(__file__).parent / "limit.sql").read_text(encoding="utf-8")

# The condition for the rows of the contracts in the temporary table `contracts`.
_OF_CONTRACT = "contract_id IN (SELECT id FROM contracts)"
_OF_JOB = "job_id IN (SELECT id FROM public.governance_governancejob WHERE {})"
_ROWS = {
    SystemContract: "id IN (SELECT id FROM contracts)",
    ApprovalSignature: _OF_CONTRACT,
    GovernanceJob: _OF_CONTRACT,
    JobStep: _OF_JOB.format(_OF_CONTRACT),
    StepResult: _OF_JOB.format(_OF_CONTRACT),
    HealthSnapshot: _OF_JOB.format(_OF_CONTRACT),
    AuditEvidence: _OF_JOB.format(_OF_CONTRACT),
    LedgerEntry: _OF_CONTRACT,
}
MIRROR_TABLES = [table._meta.db_table for table in _ROWS]

_FOREIGN_KEYS = """
    SELECT source.relname, conname, pg_get_constraintdef(pg_constraint.oid), target.relname
      FROM pg_constraint
      JOIN pg_class source ON source.oid = conrelid
      JOIN pg_class target ON target.oid = confrelid
     WHERE contype = 'f' AND source.relname = ANY (%s)
       AND source.relnamespace = 'public'::regnamespace
"""


def create_mirror_tables(cursor: Any) -> None:
    """Create the schema `bare`: empty mirror tables, and the functions of limit.sql.

    The mirror tables have the same columns, checks, indexes and foreign keys.

    Args:
        cursor: A cursor of the owner.
    """
    cursor.execute("CREATE SCHEMA bare")
    for table in MIRROR_TABLES:
        cursor.execute(f"CREATE TABLE bare.{table} (LIKE public.{table} INCLUDING ALL)")
    cursor.execute(_FOREIGN_KEYS, [MIRROR_TABLES])
    for table, name, definition, target in cursor.fetchall():
        if target in MIRROR_TABLES:
            definition = definition.replace(f"REFERENCES {target}", f"REFERENCES bare.{target}")
        cursor.execute(f'ALTER TABLE bare.{table} ADD CONSTRAINT "{name}" {definition}')
    cursor.execute(_LIMIT)


def copy_to_mirror_tables(cursor: Any, contracts: Sequence[Any]) -> None:
    """Copy all rows of the contracts with these ids, and analyse both sides."""
    cursor.execute(
        "CREATE TEMPORARY TABLE contracts AS SELECT unnest(%s::uuid[]) AS id", [contracts]
    )
    for model, condition in _ROWS.items():
        table = model._meta.db_table
        cursor.execute(f"INSERT INTO bare.{table} SELECT * FROM public.{table} WHERE {condition}")
        if model._meta.auto_field:
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence('bare.{table}', 'id'), max(id))"
                f" FROM bare.{table} HAVING max(id) IS NOT NULL"
            )
    cursor.execute("DROP TABLE contracts")
    analyse(cursor)


def analyse(cursor: Any) -> None:
    """Vacuum and analyse the tables of both sides, as autovacuum would after a while."""
    for schema in ("public", "bare"):
        cursor.execute(
            f"VACUUM (ANALYZE) {', '.join(f'{schema}.{table}' for table in MIRROR_TABLES)}"
        )


def rows_written(cursor: Any, contracts: Sequence[Any]) -> dict[str, dict[str, int]]:
    """Count the rows of these contracts: {"public": {table: rows}, "bare": {table: rows}}."""
    cursor.execute(
        "CREATE TEMPORARY TABLE contracts AS SELECT unnest(%s::uuid[]) AS id", [contracts]
    )
    counted: dict[str, dict[str, int]] = {"public": {}, "bare": {}}
    for schema, rows in counted.items():
        for model, condition in _ROWS.items():
            table = model._meta.db_table
            condition = condition.replace("public.", f"{schema}.")
            cursor.execute(f"SELECT count(*) FROM {schema}.{table} WHERE {condition}")
            rows[table] = cursor.fetchone()[0]
    cursor.execute("DROP TABLE contracts")
    return counted
