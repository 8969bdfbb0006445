"""A contract's whole record as the text of a file: writing, reading and verification.

The text is canonical JSON (RFC 8785) and a newline: `contract_id`, the contract that replaced it
(`successor_id`), and `rows`, which has the rows of every table as they are stored: ids, times and
bytes (in hexadecimal) as text, and every hashed text (bodies of entries, evidence, signed texts)
exactly as it was hashed. The text has no time of writing, so the same record always has the same
bytes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS
from django.db.models import BinaryField

from governance.db.row_mapping import array_literal
from governance.domain.canonical import canonical_text, load_json
from governance.domain.errors import BadArchiveError, InvalidInputError
from governance.domain.lifecycles import CONTRACT_TERMINAL_STATES, JOB_TERMINAL_STATES
from governance.models import (
    ApprovalSignature,
    AuditEvidence,
    AuditResolution,
    ClarificationAnswer,
    ClarificationRequest,
    ContractComment,
    GovernanceAudit,
    GovernanceJob,
    HealthSnapshot,
    JobStep,
    LedgerEntry,
    StepResult,
    SystemContract,
)
from governance.record.ledger.contract_record import ContractRecord
from governance.record.ledger.full_verification import first_problem
from governance.record.ledger.loading import assemble_contract_records, load_contract_records
from governance.record.ledger.rows import (
    RowQuery,
    columns_of,
    make_row,
    read_rows,
)

FORMAT = "govsite.contract"
VERSION = 1

# Every table with rows of a contract, by its name in the file. These names never change, because
# archives of every earlier version must stay readable when a model is renamed.
TABLES: Mapping[str, Any] = {
    "SystemContract": SystemContract,
    "LedgerEntry": LedgerEntry,
    "ClarificationRequest": ClarificationRequest,
    "ClarificationAnswer": ClarificationAnswer,
    "ContractComment": ContractComment,
    "ApprovalSignature": ApprovalSignature,
    "GovernanceJob": GovernanceJob,
    "JobStep": JobStep,
    "StepResult": StepResult,
    "HealthSnapshot": HealthSnapshot,
    "AuditEvidence": AuditEvidence,
    "GovernanceAudit": GovernanceAudit,
    "AuditResolution": AuditResolution,
}
_NAMES: Mapping[Any, str] = {model: name for name, model in TABLES.items()}
# The errors of a row that was changed into a value that Python or canonical JSON cannot hold.
UNREADABLE = (ValueError, TypeError, RecursionError, AttributeError, KeyError)

Rows = dict[str, list[Any]]


def load_record_texts(
    contract_ids: Sequence[UUID], *, using: str = DEFAULT_DB_ALIAS
) -> Iterator[tuple[ContractRecord, str]]:
    """Load contract records with the texts of their files, in the order of ids, by fifteen queries.

    A contract that does not exist is left out.

    Raises:
        DataError, or one of `UNREADABLE`: for a record that cannot be read.
    """
    contract_records = list(load_contract_records(contract_ids, using=using))
    comments: dict[str, list[Any]] = {}
    comments_query = RowQuery(
        ContractComment, "contract_id = ANY (%s::uuid[])", [array_literal(contract_ids)]
    )
    for comment in read_rows(comments_query, using=using):
        comments.setdefault(str(comment.contract_id), []).append(comment)
    for contract_record in contract_records:
        text = contract_record_text(
            contract_record, comments.get(str(contract_record.contract.pk), [])
        )
        yield contract_record, text


def read_verified_record(text: str) -> ContractRecord:
    """Read the record in the text of a file, and verify it by the rules of `verify_ledger`.

    Raises:
        InvalidInputError: `bad_archive`, with the first problem.
    """
    contract_record, _ = parse_contract_record(text)
    try:
        problem = export_problem(contract_record)
    except UNREADABLE as error:
        raise _unreadable(error) from None
    if problem:
        raise _unusable(f"entry {problem[0]}: {problem[1]}")
    return contract_record


def parse_contract_record(text: str) -> tuple[ContractRecord, list[Any]]:
    """Parse the text of a contract's file, in whatever state the contract is, and verify nothing.

    Returns:
        The record, and the rows of the contract's comments, in the order of the file.

    Raises:
        InvalidInputError: `bad_archive`, for a text that no version known here has written.
    """
    try:
        document = load_json(text)
        if canonical_text(document) + "\n" != text:
            raise _unusable("it is not canonical JSON")
        if (document["format"], document["version"]) != (FORMAT, VERSION):
            raise _unusable("its format or version is unknown")
        rows = {name: _rows_in(TABLES[name], found) for name, found in document["rows"].items()}
        return _assembled(rows, document), rows.get(_NAMES[ContractComment], [])
    except UNREADABLE as error:
        raise _unreadable(error) from None


def export_problem(contract_record: ContractRecord) -> tuple[int, str] | None:
    """Find why a record cannot be exported: it does not verify, or the contract has not ended.

    Returns:
        The number of the first entry that does not fit, and the problem; None if there is none.
    """
    after = len(contract_record.entries) + 1
    if contract_record.contract.status not in CONTRACT_TERMINAL_STATES:
        return after, f"the contract has not ended, it is {contract_record.contract.status}"
    if contract_record.job and contract_record.job.status not in JOB_TERMINAL_STATES:
        return after, f"its job has not ended, it is {contract_record.job.status}"
    return first_problem(contract_record)


def contract_record_text(contract_record: ContractRecord, comments: Sequence[Any]) -> str:
    """Serialize a contract's record, with the rows of its comments, as the text of its file."""
    kinds: dict[type, list[Any]] = {
        SystemContract: [contract_record.contract],
        LedgerEntry: contract_record.entries,
        JobStep: contract_record.steps,
        ContractComment: list(comments),
    }
    kept = {_NAMES[model]: rows for model, rows in kinds.items()}
    for row in contract_record.rows.values():
        if not isinstance(row, str):  # the id of a successor is not a row
            kept.setdefault(_NAMES[row.model], []).append(row)
    document = {
        "format": FORMAT,
        "version": VERSION,
        "contract_id": str(contract_record.contract.pk),
        "successor_id": contract_record.successor_id,
        "rows": {name: [_values_of(row) for row in rows] for name, rows in kept.items() if rows},
    }
    return canonical_text(document) + "\n"


def _values_of(row: Any) -> dict[str, Any]:
    return {
        name: value.hex() if isinstance(value, bytes) else value
        for name, value in row._asdict().items()
    }


def _rows_in(model: Any, found: Iterable[Mapping[str, Any]]) -> list[Any]:
    """Make the light rows of `model` from their values in the file.

    Raises:
        KeyError: for an unknown or missing column.
    """
    known = set(columns_of(model))
    binary = {field.attname for field in model._meta.fields if isinstance(field, BinaryField)}
    rows = []
    for values in found:
        if unknown := set(values) - known:
            raise KeyError(*unknown)
        as_bytes = {name: bytes.fromhex(values[name]) for name in binary}
        rows.append(make_row(model, {**values, **as_bytes}))
    return rows


def _assembled(rows: Rows, document: Mapping[str, Any]) -> ContractRecord:
    [contract] = rows[_NAMES[SystemContract]]
    taken = 1

    def read(model: Any, column: str, keys: Collection[Any]) -> list[Any]:
        nonlocal taken
        found = [row for row in rows.get(_NAMES[model], ()) if getattr(row, column) in keys]
        taken += len(found)
        return found

    # `is_parent_valid` stays true, because the parent is not in the file; the chain has its id.
    begun = ContractRecord(contract, successor_id=document["successor_id"])
    if begun.successor_id is not None:
        begun.add("successor_id", None, begun.successor_id)
    [contract_record] = assemble_contract_records([begun], read)
    read(ContractComment, "contract_id", {contract.pk})
    if contract.pk != document["contract_id"] or taken != sum(map(len, rows.values())):
        raise _unusable("it holds rows that belong to another contract")
    return contract_record


def _unreadable(error: Exception) -> InvalidInputError:
    return _unusable(f"it cannot be read as a contract: {type(error).__name__}")


def _unusable(why: str) -> InvalidInputError:
    return BadArchiveError(f"This is not a contract's record: {why}.")
