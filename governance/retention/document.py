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

from governance.ledger.dossier import Dossier
from governance.ledger.judging import first_problem
from governance.ledger.loading import assembled, load_dossiers
from governance.ledger.rows import Question, columns_of, make_row, read_rows
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
from governance.models.prepared import array_of
from governance.vocabulary.canonical import canonical_text, load_json
from governance.vocabulary.errors import InvalidInputError
from governance.vocabulary.lifecycles import CONTRACT_TERMINAL_STATES, JOB_TERMINAL_STATES

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


def load_records(
    contract_ids: Sequence[UUID], *, using: str = DEFAULT_DB_ALIAS
) -> Iterator[tuple[Dossier, str]]:
    """Each of these contracts that is there, with the text of its file, in order of id.

    Fifteen queries, however many. Raises one of `UNREADABLE`, or DataError.
    """
    dossiers = list(load_dossiers(contract_ids, using=using))
    comments: dict[str, list[Any]] = {}
    said = Question(ContractComment, "contract_id = ANY (%s::uuid[])", [array_of(contract_ids)])
    for comment in read_rows(said, using=using):
        comments.setdefault(str(comment.contract_id), []).append(comment)
    for dossier in dossiers:
        text = contract_record_text(dossier, comments.get(str(dossier.contract.pk), []))
        yield dossier, text


def read_record(text: str) -> Dossier:
    """The record in the text of a file, whole and verified by the rules of `verify_ledger`.

    Raises InvalidInputError (`bad_archive`) that says what is wrong with it.
    """
    dossier, _ = parse_contract_record(text)
    try:
        problem = problem_with(dossier)
    except UNREADABLE as error:
        raise _unreadable(error) from None
    if problem:
        raise _unusable(f"entry {problem[0]}: {problem[1]}")
    return dossier


def parse_contract_record(text: str) -> tuple[Dossier, list[Any]]:
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


def problem_with(dossier: Dossier) -> tuple[int, str] | None:
    """Why this record cannot leave: the entry that does not fit; or it has not come to rest."""
    after = len(dossier.entries) + 1
    if dossier.contract.status not in CONTRACT_TERMINAL_STATES:
        return after, f"the contract has not come to rest, it is {dossier.contract.status}"
    if dossier.job and dossier.job.status not in JOB_TERMINAL_STATES:
        return after, f"its job has not come to rest, it is {dossier.job.status}"
    return first_problem(dossier)


def contract_record_text(dossier: Dossier, comments: Sequence[Any]) -> str:
    """Serialize a contract's record, with the rows of its comments, as the text of its file."""
    kinds: dict[type, list[Any]] = {
        SystemContract: [dossier.contract],
        LedgerEntry: dossier.entries,
        JobStep: dossier.steps,
        ContractComment: list(comments),
    }
    kept = {_NAMES[model]: rows for model, rows in kinds.items()}
    for row in dossier.rows.values():
        if not isinstance(row, str):  # a successor's id is no row
            kept.setdefault(_NAMES[row.model], []).append(row)
    document = {
        "format": FORMAT,
        "version": VERSION,
        "contract_id": str(dossier.contract.pk),
        "successor_id": dossier.successor_id,
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


def _assembled(rows: Rows, document: Mapping[str, Any]) -> Dossier:
    [contract] = rows[_NAMES[SystemContract]]
    taken = 1

    def read(model: Any, column: str, keys: Collection[Any]) -> list[Any]:
        nonlocal taken
        found = [row for row in rows.get(_NAMES[model], ()) if getattr(row, column) in keys]
        taken += len(found)
        return found

    # That its parent stood can be seen only where the parent is; the chain vouches for its id.
    begun = Dossier(contract, successor_id=document["successor_id"])
    if begun.successor_id is not None:
        begun.add("successor_id", None, begun.successor_id)
    [dossier] = assembled([begun], read)
    read(ContractComment, "contract_id", {contract.pk})
    if contract.pk != document["contract_id"] or taken != sum(map(len, rows.values())):
        raise _unusable("it holds rows that belong to another contract")
    return dossier


def _unreadable(error: Exception) -> InvalidInputError:
    return _unusable(f"it cannot be read as a contract: {type(error).__name__}")


def _unusable(why: str) -> InvalidInputError:
    return InvalidInputError(f"This is not a contract's record: {why}.", code="bad_archive")
