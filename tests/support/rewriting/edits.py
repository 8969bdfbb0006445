"""Edits of rows: each changes the record by SQL, and returns which entry must be reported."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

from django.db.models import Model

from governance.domain.canonical import sha256_hex
from governance.models import AuditEvidence, GovernanceJob, LedgerEntry, SystemContract
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
# The columns that number the rows of one kind.
POSITION_COLUMNS = {"seq", "step_index", "phase", "number"}


@dataclass(frozen=True)
class Edit:
    """What was edited, and the first bad entry that must be reported for each contract.

    `by_checkpoint`: the record is consistent in itself again, so only a checkpoint shows the edit.
    `linked`: the edited entry is consistent in itself, and only the next one is not. A checkpoint
    reports the edited one; the chain alone may report the next one.
    `harmless`: no value was changed, and nothing may be reported.
    `whole`: all contracts must be verified, not only those in `expected`.
    """

    what: str
    expected: Mapping[UUID, int]
    by_checkpoint: bool = False
    linked: bool = False
    harmless: bool = False
    whole: bool = False


@dataclass
class EditContext:
    """What edits are drawn from: the contracts, their older states, and the ids of accounts."""

    draw: Random
    documents: Sequence[ContractDocument]
    older: Mapping[UUID, Mapping[int, Dump]]
    people: Sequence[int]
    kinds: dict[str, Callable[[EditContext], Edit | None]] = field(default_factory=dict)

    def document(self) -> ContractDocument:
        return self.draw.choice(self.documents)

    def row(self, model: type[Model] | None = None) -> tuple[ContractDocument, type[Model], Row]:
        """Draw a row of any contract; without `model`, each table is equally likely."""
        model = model or self.draw.choice([m for m in TABLES if m is not LedgerEntry])
        holding = [document for document in self.documents if document.rows[model]]
        document = self.draw.choice(holding)
        return document, model, self.draw.choice(document.rows[model])


def set_column(model: type[Model], row: Row, column: Any, value: Any) -> None:
    update_row(model._meta.db_table, row["id"], **{column.column: adapted(column, value)})


# --- rows ---------------------------------------------------------------------------------------
def edit_column(context: EditContext) -> Edit:
    """Change one column of one row."""
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
    bad = document.vouching_column(model, row, column, value)
    if column in ("step_index", "phase", "number"):
        # The row is missing at its old number, and one too many at its new one.
        bad = min(bad, document.vouching_row(model, {**row, column: value}))
    return bad


def swap_columns(context: EditContext) -> Edit | None:
    """Swap the value of one column between rows of two contracts."""
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
        # The digests do not distinguish NULL from "" in an empty column.
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
            one.contract_id: one.vouching_column(model, mine, name, theirs[name]),
            other.contract_id: other.vouching_column(model, theirs, name, mine[name]),
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
    """Insert a copy of a row with one column changed."""
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
    # Of two entries with one number, the copy has the higher id and is read as the next entry.
    bad = document.vouching_row(model, row) + (model is LedgerEntry)
    return Edit(f"{model.__name__} doubled", {document.contract_id: bad})


def move_row(context: EditContext) -> Edit | None:
    """Move a row from one contract to another."""
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
    """Change the evidence of a job together with its stored digest."""
    document, model, row = context.row(AuditEvidence)
    body = row["body"]
    while body == row["body"]:
        body = rewritten(body, context.draw)
    update_row(model._meta.db_table, row["id"], body=body, sha256=sha256_hex(body))
    return Edit("evidence sealed again", {document.contract_id: document.vouching_row(model, row)})


def rewritten(body: str, draw: Random) -> str:
    """Return a different JSON text: another serialization of `body`, or another value."""
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
    """Change the id of a contract's row, so that one id has no row and the other no chain."""
    document = context.document()
    other = UUID(int=context.draw.getrandbits(128))
    run_sql(
        "UPDATE governance_systemcontract SET id = %s WHERE id = %s", other, document.contract_id
    )
    return Edit("the contract renamed", {document.contract_id: 1, other: 1}, whole=True)


def remove_contract(context: EditContext) -> Edit:
    """Delete a contract with all its rows."""
    document = context.document()
    remove_rows(document.contract_id)
    return Edit("the contract removed", {document.contract_id: 1}, by_checkpoint=True)


def unreadable_time(context: EditContext) -> Edit:
    """Set a time to infinity, which Python cannot represent, so that the record is unreadable."""
    document, model, row = context.row(context.draw.choice(list(TABLES)))
    times = [c for c in columns_of(model) if c.get_internal_type() == "DateTimeField"]
    if not times:
        return edit_column(context)
    set_column(
        model, row, context.draw.choice(times), context.draw.choice(["infinity", "-infinity"])
    )
    return Edit(f"{model.__name__}: an infinite time", {document.contract_id: 1})


def reserialize_number(context: EditContext) -> Edit | None:
    """Write 1 as 1.0 in a JSONB column, which is the same number and so not a change."""
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
