"""A contract's whole record as the text of a file, and back.

The text is canonical JSON (RFC 8785) and a newline: `contract_id`, what took its place
(`successor_id`), and `rows`, which holds every table's rows as they are stored: ids, times and
bytes (in hexadecimal) as text, and all that was hashed (the bodies of entries, evidence, what was
signed) exactly as it was hashed. It says nothing of when it was written, so that the same record
always has the same bytes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS
from django.db.models import BinaryField

from governance.db.row_mapping import array_literal
from governance.domain.canonical import canonical_text, load_json
from governance.domain.errors import InvalidInputError
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

# Every table that holds something of a contract, by its name in the file. These names stay as they
# are: archives of every earlier version must be readable, whatever a model is called by then.
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
# What a row does that was rewritten into something Python, or canonical JSON, cannot hold.
UNREADABLE = (ValueError, TypeError, RecursionError, AttributeError, KeyError)

Rows = dict[str, list[Any]]


def load_record_texts(
    contract_ids: Sequence[UUID], *, using: str = DEFAULT_DB_ALIAS
) -> Iterator[tuple[ContractRecord, str]]:
    """Each of these contracts that is there, with the text of its file, in order of id.

    Fifteen queries, however many. Raises one of `UNREADABLE`, or DataError.
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
    """The record in the text of a file, whole and verified by the rules of `verify_ledger`.

    Raises InvalidInputError (`bad_archive`) that says what is wrong with it.
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
            raise _unusable("it is not spelled as it was written")
        if (document["format"], document["version"]) != (FORMAT, VERSION):
            raise _unusable("it is no contract of a version that is known here")
        rows = {name: _rows_in(TABLES[name], found) for name, found in document["rows"].items()}
        return _assembled(rows, document), rows.get(_NAMES[ContractComment], [])
    except UNREADABLE as error:
        raise _unreadable(error) from None


def export_problem(contract_record: ContractRecord) -> tuple[int, str] | None:
    """Why this record cannot leave: the entry that does not fit; or it has not come to rest."""
    after = len(contract_record.entries) + 1
    if contract_record.contract.status not in CONTRACT_TERMINAL_STATES:
        return after, f"the contract has not come to rest, it is {contract_record.contract.status}"
    if contract_record.job and contract_record.job.status not in JOB_TERMINAL_STATES:
        return after, f"its job has not come to rest, it is {contract_record.job.status}"
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
        if not isinstance(row, str):  # a successor's id is no row
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
    """Rows as PostgreSQL would have sent them. KeyError for a column that is not known."""
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

    # That its parent stood can be seen only where the parent is; the chain vouches for its id.
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
    return InvalidInputError(f"This is not a contract's record: {why}.", code="bad_archive")
