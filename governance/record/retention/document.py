"""A contract's whole record as the text of a file: writing, reading and verification.

The text is canonical JSON (RFC 8785) and a newline: `contract_id`, the contract that replaced it
(`successor_id`), and `rows`, which has the rows of every table as they are stored: ids, times and
bytes (in hexadecimal) as text, and every hashed text (bodies of entries, evidence, signed texts)
exactly as it was hashed. The text has no time of writing, so the same record always has the same
bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import BinaryField

from governance.domain.canonical import canonical_text, load_json
from governance.domain.errors import BadArchiveError, InvalidInputError
from governance.domain.lifecycles import CONTRACT_TERMINAL_STATES, JOB_TERMINAL_STATES
from governance.record.ledger.chain_verification import first_problem
from governance.record.ledger.contract_record import ContractRecord
from governance.record.ledger.loading import UNREADABLE, gather_rows
from governance.record.ledger.record_tables import LATER_COLUMNS, RECORD_TABLES, RecordTable
from governance.record.ledger.rows import columns_of, make_row

FORMAT = "govsite.contract"
VERSION = 1


def contract_record_text(contract_record: ContractRecord) -> str:
    """Serialize a contract's record as the text of its file."""
    document = {
        "format": FORMAT,
        "version": VERSION,
        "contract_id": contract_record.contract.id,
        "successor_id": next(iter(contract_record.successor_ids), None),
        "rows": {
            name: [_values_of(row, LATER_COLUMNS.get(name, {})) for row in rows]
            for name, rows in contract_record.rows.items()
            if rows
        },
    }
    return canonical_text(document) + "\n"


def read_verified_record(text: str) -> ContractRecord:
    """Read the record in the text of a file, and verify it by the rules of `verify_ledger`.

    Raises:
        InvalidInputError: `bad_archive`, with the first problem.
    """
    contract_record = parse_contract_record(text)
    try:
        # Version 0.1 took the times from the clocks of its processes, and its archives verify.
        problem = export_problem(contract_record, is_ordered_by_time=False)
    except UNREADABLE as error:
        raise _unreadable(error) from None
    if problem:
        raise _unusable(problem)
    return contract_record


def parse_contract_record(text: str) -> ContractRecord:
    """Parse the text of a contract's file, in whatever state the contract is, and verify nothing.

    Raises:
        InvalidInputError: `bad_archive`, for a text that no version known here has written.
    """
    try:
        document = load_json(text)
        if canonical_text(document) + "\n" != text:
            raise _unusable("it is not canonical JSON")
        if (document["format"], document["version"]) != (FORMAT, VERSION):
            raise _unusable("its format or version is unknown")
        rows = {
            name: _rows_in(RECORD_TABLES[name], LATER_COLUMNS.get(name, {}), found)
            for name, found in document["rows"].items()
        }
        return _record_of(document, rows)
    except UNREADABLE as error:
        raise _unreadable(error) from None


def export_problem(
    contract_record: ContractRecord, *, is_ordered_by_time: bool = True
) -> str | None:
    """Find why a record cannot be exported: it does not verify, or the contract has not ended.

    Returns:
        The first entry that does not fit, and the problem; None if there is none.
    """
    contract, job = contract_record.contract, contract_record.job
    after = len(contract_record.entries) + 1
    if contract.status not in CONTRACT_TERMINAL_STATES:
        return f"entry {after}: the contract has not ended, it is {contract.status}"
    if job and job.status not in JOB_TERMINAL_STATES:
        return f"entry {after}: its job has not ended, it is {job.status}"
    found = first_problem(contract_record, is_ordered_by_time=is_ordered_by_time)
    return f"entry {found[0]}: {found[1]}" if found else None


def _values_of(row: Any, later: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.hex() if isinstance(value, bytes) else value
        for name, value in row._asdict().items()
        if name not in later or value != later[name]
    }


def _rows_in(
    table: RecordTable, later: Mapping[str, Any], found: Iterable[Mapping[str, Any]]
) -> list[Any]:
    """Make the light rows of a table from their values in the file.

    Raises:
        KeyError: for an unknown or missing column.
    """
    columns = set(columns_of(table.model))
    binary = [f.attname for f in table.model._meta.fields if isinstance(f, BinaryField)]
    rows = []
    for values in found:
        if unknown := set(values) - columns:
            raise KeyError(*unknown)
        as_bytes = {name: bytes.fromhex(values[name]) for name in binary}
        rows.append(make_row(table.model, {**later, **values, **as_bytes}))
    return rows


def _record_of(document: Mapping[str, Any], rows: Mapping[str, list[Any]]) -> ContractRecord:
    def read(name: str, table: RecordTable, ids: Iterable[Any]) -> list[Any]:
        return [row for row in rows.get(name, ()) if getattr(row, table.reference) in ids]

    gathered = gather_rows([document["contract_id"]], read).get(document["contract_id"], {})
    if len(rows["SystemContract"]) != 1 or sum(map(len, gathered.values())) != sum(
        map(len, rows.values())
    ):
        raise _unusable("it holds rows that belong to another contract")
    # `is_parent_valid` stays true, because the parent is not in the file; the chain has its id.
    successor_id = document["successor_id"]
    return ContractRecord(gathered, [] if successor_id is None else [successor_id])


def _unreadable(error: Exception) -> InvalidInputError:
    return _unusable(f"it cannot be read as a contract: {type(error).__name__}")


def _unusable(why: str) -> InvalidInputError:
    return BadArchiveError(f"This is not a contract's record: {why}.")
