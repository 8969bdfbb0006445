"""Kinds of edits: each changes the record by SQL and says which entry must be named for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

from django.db.models import Model

from governance.domain.canonical import sha256_hex
from governance.models import (
    AuditEvidence,
    GovernanceJob,
    LedgerEntry,
    SystemContract,
)
from tests.support.attacks import insert_row, run_sql, update_row
from tests.support.rewriting.documents import (
    TABLES,
    ContractDocument,
    Dump,
    Row,
    columns_of,
    remove_rows,
)
from tests.support.rewriting.values import adapted, another, other_text, substance

PARENTS = {"contract_id", "job_id", "audit_id"}
# Where a row has its place among others of its kind.
POSITION_COLUMNS = {"seq", "step_index", "phase", "number"}


@dataclass(frozen=True)
class Edit:
    """What was done, and the first bad entry of each contract that must be named for it.

    `by_checkpoint`: the record was made consistent in itself again, only the checkpoint can tell.
    `linked`: the entry is consistent in itself, only the next one is not; the checkpoint names it,
    the chain alone names it or the next one.
    `harmless`: nothing was changed in substance, and nothing may be found.
    `whole`: the whole record must be looked at, not only the contracts in `expected`.
    """

    what: str
    expected: Mapping[UUID, int]
    by_checkpoint: bool = False
    linked: bool = False
    harmless: bool = False
    whole: bool = False


@dataclass
class EditContext:
    """Where edits are drawn: the record's pictures, the older states, the people."""

    draw: Random
    documents: Sequence[ContractDocument]
    older: Mapping[UUID, Mapping[int, Dump]]
    people: Sequence[int]
    kinds: dict[str, Callable[[EditContext], Edit | None]] = field(default_factory=dict)

    def document(self) -> ContractDocument:
        return self.draw.choice(self.documents)

    def row(self, model: type[Model] | None = None) -> tuple[ContractDocument, type[Model], Row]:
        """Any row of any contract, of `model` if given; every table comes up as often."""
        model = model or self.draw.choice([m for m in TABLES if m is not LedgerEntry])
        holding = [document for document in self.documents if document.rows[model]]
        document = self.draw.choice(holding)
        return document, model, self.draw.choice(document.rows[model])


def set_column(model: type[Model], row: Row, column: Any, value: Any) -> None:
    update_row(model._meta.db_table, row["id"], **{column.column: adapted(column, value)})


# --- rows ---------------------------------------------------------------------------------------
def edit_column(context: EditContext) -> Edit:
    """One column of one row says something else."""
    document, model, row = context.row()
    column = context.draw.choice(columns_of(model))
    value = another(column, row[column.attname], context.draw, context.people)
    set_column(model, row, column, value)
    return Edit(
        f"{model.__name__}.{column.attname}: {row[column.attname]!r} → {value!r}",
        {document.contract_id: _first_bad(document, model, row, column.attname, value)},
    )


def _first_bad(
    document: ContractDocument, model: type[Model], row: Row, column: str, value: Any
) -> int:
    bad = document.vouching_column(model, row, column)
    if column in ("step_index", "phase", "number"):
        # The row is gone from where it was, and stands where it should not.
        bad = min(bad, document.vouching_row(model, {**row, column: value}))
    return bad


def swap_columns(context: EditContext) -> Edit | None:
    """Two contracts exchange what stands in one column."""
    draw = context.draw
    one, model, mine = context.row(draw.choice(list(TABLES)))
    column = draw.choice(
        [
            column
            for column in columns_of(model)
            if column.attname not in PARENTS | {"id", *POSITION_COLUMNS}
        ]
    )
    name = column.attname
    others = [
        (document, row)
        for document in context.documents
        for row in document.rows[model]
        if document is not one
        and substance(row[name]) != substance(mine[name])
        # NULL and "" are the same nothing where nothing is to be told.
        and (row[name] or mine[name])
    ]
    if not others:
        return None
    other, theirs = draw.choice(others)
    set_column(model, mine, column, theirs[name])
    set_column(model, theirs, column, mine[name])
    return Edit(
        f"{model.__name__}.{name}: {mine[name]!r} ↔ {theirs[name]!r}",
        {
            one.contract_id: one.vouching_column(model, mine, name),
            other.contract_id: other.vouching_column(model, theirs, name),
        },
    )


def remove_row(context: EditContext) -> Edit:
    document, model, row = context.row()
    run_sql(f"DELETE FROM {model._meta.db_table} WHERE id = %s", row["id"])
    if model is SystemContract:
        return Edit("the contract's row removed", {document.contract_id: 1}, whole=True)
    return Edit(
        f"{model.__name__} removed", {document.contract_id: document.vouching_row(model, row)}
    )


def double_row(context: EditContext) -> Edit:
    """A second row beside one that is there, with one thing different."""
    draw = context.draw
    document, model, row = context.row(draw.choice([m for m in TABLES if m is not SystemContract]))
    fields = [c for c in columns_of(model) if c.attname not in PARENTS | {"id", *POSITION_COLUMNS}]
    column = draw.choice(fields)
    duplicate = dict(row) | {
        column.attname: another(column, row[column.attname], draw, context.people)
    }
    if model is GovernanceJob:
        duplicate["id"] = UUID(int=draw.getrandbits(128))
    else:
        del duplicate["id"]
    if model is GovernanceJob:
        duplicate["lease_expires_at"] = None
    _insert(model, duplicate)
    # The one with the higher id comes second in a chain: it is the entry too many.
    bad = document.vouching_row(model, row) + (model is LedgerEntry)
    return Edit(f"{model.__name__} doubled", {document.contract_id: bad})


def move_row(context: EditContext) -> Edit | None:
    """A row that belongs to one contract is hung on another."""
    draw = context.draw
    one, model, row = context.row(draw.choice([m for m in TABLES if m is not SystemContract]))
    (parent,) = PARENTS & set(row)
    others = [p for p in context.documents if p is not one and _parents_in(p, parent)]
    if not others:
        return None
    other = draw.choice(others)
    update_row(model._meta.db_table, row["id"], **{parent: draw.choice(_parents_in(other, parent))})
    bad = other.vouching_row(model, row)
    if model is LedgerEntry:
        bad = min(bad, other.after)
        own = other.chain[bad - 1].row_id if bad < other.after else None
        bad += own is not None and own < row["id"]
    return Edit(
        f"{model.__name__} moved to another contract",
        {one.contract_id: one.vouching_row(model, row), other.contract_id: bad},
    )


def _parents_in(document: ContractDocument, parent: str) -> list[Any]:
    if parent == "contract_id":
        return [document.contract_id]
    rows = {"job_id": GovernanceJob}.get(parent)
    if rows is None:
        from governance.models import GovernanceAudit

        rows = GovernanceAudit
    return [row["id"] for row in document.rows[rows]]


def reseal_evidence(context: EditContext) -> Edit:
    """Another account of what happened, with its own digest beside it."""
    document, model, row = context.row(AuditEvidence)
    body = row["body"]
    while body == row["body"]:
        body = rewritten(body, context.draw)
    update_row(model._meta.db_table, row["id"], body=body, sha256=sha256_hex(body))
    return Edit("evidence sealed anew", {document.contract_id: document.vouching_row(model, row)})


def rewritten(body: str, draw: Random) -> str:
    """A JSON text that is spelled otherwise, if it does not even say something else."""
    document = json.loads(body)
    return draw.choice(
        [
            json.dumps(document, ensure_ascii=False, separators=(",", ":")) + " ",
            json.dumps(dict(reversed(document.items())), ensure_ascii=False, separators=(",", ":")),
            json.dumps(document, ensure_ascii=True, separators=(",", ":"), sort_keys=True),
            body.replace("true", "false", 1),
            body.replace(":1,", ":1.0,", 1),
            body.replace(":1,", ':"1",', 1),
            body.replace(":0", ":1", 1),
            body.replace("null", "0", 1),
            other_text(body, draw),
        ]
    )


def _insert(model: type[Model], row: Mapping[str, Any]) -> None:
    fields = {f.attname: f for f in model._meta.concrete_fields}
    insert_row(
        model._meta.db_table,
        **{fields[name].column: adapted(fields[name], value) for name, value in row.items()},
    )


def rename_contract(context: EditContext) -> Edit:
    """The contract's row under another id: both are named, and have no chain or no contract."""
    document = context.document()
    other = UUID(int=context.draw.getrandbits(128))
    run_sql(
        "UPDATE governance_systemcontract SET id = %s WHERE id = %s", other, document.contract_id
    )
    return Edit("the contract renamed", {document.contract_id: 1, other: 1}, whole=True)


def remove_contract(context: EditContext) -> Edit:
    """A contract with everything that hangs on it, gone."""
    document = context.document()
    remove_rows(document.contract_id)
    return Edit("the contract removed", {document.contract_id: 1}, by_checkpoint=True)


def unreadable_time(context: EditContext) -> Edit:
    """A time that Python has no words for: nothing of such a record can be read."""
    document, model, row = context.row(context.draw.choice(list(TABLES)))
    times = [c for c in columns_of(model) if c.get_internal_type() == "DateTimeField"]
    if not times:
        return edit_column(context)
    set_column(
        model, row, context.draw.choice(times), context.draw.choice(["infinity", "-infinity"])
    )
    return Edit(f"{model.__name__}: a time without end", {document.contract_id: 1})


def reserialize_number(context: EditContext) -> Edit | None:
    """1 becomes 1.0 in a JSONB column: the same number to whoever reads it, and no edit."""
    cells = [
        (model, row, column)
        for document in context.documents
        for model, rows in document.rows.items()
        for row in rows
        for column in columns_of(model)
        if column.get_internal_type() == "JSONField" and ": 1" in json.dumps(row[column.attname])
    ]
    model, row, column = context.draw.choice(cells)
    text = json.dumps(row[column.attname], ensure_ascii=False)
    for end in (",", "}"):
        text = text.replace(f": 1{end}", f": 1.0{end}")
    update_row(model._meta.db_table, row["id"], **{column.column: text})
    return Edit("1 → 1.0 in JSONB", {}, harmless=True, whole=True)
