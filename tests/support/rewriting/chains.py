"""Edits of ledger entries, and forgeries that only a checkpoint shows."""

from __future__ import annotations

import json
from typing import Any

from governance.domain.canonical import canonical_text, digest, sha256_hex, timestamp
from governance.domain.errors import InvalidInputError
from governance.domain.strict_json import require_plain_json
from governance.models import (
    ApprovalSignature,
    GovernanceAudit,
    GovernanceJob,
    HealthSnapshot,
    JobStep,
    LedgerEntry,
    StepResult,
    SystemContract,
)
from governance.record.ledger.chain import GENESIS, entry_hash
from governance.record.ledger.contract_record import ContractRecord
from governance.record.ledger.loading import load_contract_records
from tests.support.attacks import insert_row, run_sql, update_row
from tests.support.rewriting.documents import ContractDocument, columns_of, put_back, remove_rows
from tests.support.rewriting.edits import Edit, EditContext, rewritten, set_column
from tests.support.rewriting.values import another

LEDGER = "governance_ledgerentry"
# Not `at`: another time would not be between those of the entries around it, which is a finding.
ENTRY_COLUMNS = ("actor", "reason")
# Columns that a forger can change and then recompute every digest that depends on them.
FORGEABLE = (
    (SystemContract, "description"),
    (SystemContract, "plan"),
    (SystemContract, "approval_note"),
    (SystemContract, "closed_reason"),
    (JobStep, "timeout_seconds"),
    (JobStep, "change"),
    (HealthSnapshot, "reading"),
    (ApprovalSignature, "shown"),
    (ApprovalSignature, "founder_id"),
    (StepResult, "output"),
    (StepResult, "recorded_by_id"),
    (GovernanceAudit, "reason"),
)


def edit_entry(context: EditContext) -> Edit:
    """Change one column of one entry."""
    document, model, row = context.row(LedgerEntry)
    column = context.draw.choice(columns_of(model))
    name = column.attname
    value = another(column, row[name], context.draw, context.people)
    set_column(model, row, column, value)
    bad = row["seq"]
    if name == "contract_id":  # the entry now belongs to a contract that does not exist
        return Edit(
            f"entry {bad} without contract", {document.contract_id: bad, value: 1}, whole=True
        )
    if name == "seq":  # the entry is missing at its old number, or is one too many before it
        bad = min(bad, value + 1)
    return Edit(
        f"entry {row['seq']}.{name}: {row[name]!r} → {value!r}", {document.contract_id: bad}
    )


def reserialize_entry(context: EditContext) -> Edit:
    """Change the body of an entry, or serialize the same body differently."""
    document, _, row = context.row(LedgerEntry)
    body = row["body"]
    while body == row["body"]:
        body = rewritten(body, context.draw)
    update_row(LEDGER, row["id"], body=body)
    return Edit(f"entry {row['seq']} serialized differently", {document.contract_id: row["seq"]})


def swap_entries(context: EditContext) -> Edit | None:
    """Swap the numbers of two entries of a chain."""
    document = context.document()
    if len(document.chain) < 2:
        return None
    first, second = sorted(context.draw.sample(range(len(document.chain)), 2))
    update_row(LEDGER, document.chain[first].row_id, seq=second + 1)
    update_row(LEDGER, document.chain[second].row_id, seq=first + 1)
    return Edit(f"entries {first + 1} and {second + 1} swapped", {document.contract_id: first + 1})


def cut_tail(context: EditContext) -> Edit:
    document = context.document()
    last = context.draw.randrange(len(document.chain))
    run_sql(f"DELETE FROM {LEDGER} WHERE contract_id = %s AND seq > %s", document.contract_id, last)
    return Edit(f"cut after entry {last}", {document.contract_id: last + 1})


def remove_entry(context: EditContext) -> Edit:
    """Delete one entry; in half of the cases, renumber the later ones to close the gap."""
    document, _, row = context.row(LedgerEntry)
    run_sql(f"DELETE FROM {LEDGER} WHERE id = %s", row["id"])
    if context.draw.random() < 0.5:
        run_sql(
            f"UPDATE {LEDGER} SET seq = seq - 1 WHERE contract_id = %s AND seq > %s",
            document.contract_id,
            row["seq"],
        )
    return Edit(f"entry {row['seq']} removed", {document.contract_id: row["seq"]})


def insert_entry(context: EditContext) -> Edit:
    """Insert a false entry, linked and hashed, between two entries or at the end."""
    document = context.document()
    seq = context.draw.randint(1, document.after)
    run_sql(
        f"UPDATE {LEDGER} SET seq = seq + 1 WHERE contract_id = %s AND seq >= %s",
        document.contract_id,
        seq,
    )
    entries = document.rows[LedgerEntry]
    model = dict(context.draw.choice(entries)) | {"seq": seq}
    model["prev_hash"] = bytes(entries[seq - 2]["hash"]) if seq > 1 else GENESIS
    body = json.loads(model["body"]) | {"seq": seq}
    model["body"] = canonical_text(body)
    model["hash"] = entry_hash(model["prev_hash"], model["body"])
    del model["id"]
    same = seq < document.after and model["body"] == entries[seq - 1]["body"]
    insert_row(LEDGER, **model)
    # An exact copy is valid in itself, so the original after it is the first bad entry.
    linked = seq < document.after and not same
    return Edit(f"entry inserted at {seq}", {document.contract_id: seq + same}, linked=linked)


def rehash_entry(context: EditContext) -> Edit | None:
    """Change an entry and its hash; the next entry still links to the old hash."""
    document, _, row = context.row(LedgerEntry)
    body = json.loads(row["body"]) | {"reason": row["reason"] + " And so it was."}
    text = canonical_text(body)
    prev_hash = bytes(row["prev_hash"])
    update_row(
        LEDGER, row["id"], body=text, reason=body["reason"], hash=entry_hash(prev_hash, text)
    )
    is_last = row["seq"] == len(document.chain)
    return Edit(
        f"entry {row['seq']} hashed again",
        {document.contract_id: row["seq"]},
        by_checkpoint=is_last,
        linked=not is_last,
    )


def rehash_chain(context: EditContext) -> Edit:
    """Change an entry, and recompute every hash from there on."""
    document, model, row = context.row(LedgerEntry)
    name = context.draw.choice(ENTRY_COLUMNS)
    column = next(c for c in columns_of(model) if c.attname == name)
    set_column(model, row, column, another(column, row[name], context.draw, context.people))
    forge_chain(document)
    return Edit(
        f"chain hashed again from {row['seq']}",
        {document.contract_id: row["seq"]},
        by_checkpoint=True,
    )


def forge_row(context: EditContext) -> Edit | None:
    """Change a row, and recompute every digest and hash that depends on it."""
    model, name = context.draw.choice(FORGEABLE)
    document, _, row = context.row(model)
    if document.vouching_column(model, row, name) == document.after:
        return None  # no entry vouches for the row yet, so there is no digest to forge
    column = next(c for c in columns_of(model) if c.attname == name)
    value = another(column, row[name], context.draw, context.people)
    if not is_plain(value):
        return None  # canonical JSON, and so a digest, exists only for plain values
    set_column(model, row, column, value)
    forge_chain(document)
    return Edit(
        f"{model.__name__}.{name} and all its digests",
        {document.contract_id: document.vouching_column(model, row, name)},
        by_checkpoint=True,
    )


def is_plain(value: Any) -> bool:
    try:
        require_plain_json(value)
    except InvalidInputError:
        return False
    return True


def forge_chain(document: ContractDocument) -> None:
    """Recompute the digests, bodies and hashes of a chain from its rows."""
    [contract_record] = load_contract_records([document.contract_id])
    contract = contract_record.contract
    if contract.content_digest:
        content = digest(contract.content_record())
        changes: dict[str, Any] = {"content_digest": content}
        if contract.approved_digest:
            changes["approved_digest"] = content
        update_row(SystemContract._meta.db_table, contract.pk, **changes)
        for signature in contract_record.rows["ApprovalSignature"]:
            sign_anew(signature, content)
        [contract_record] = load_contract_records([document.contract_id])
    previous = GENESIS
    for entry in contract_record.entries:
        body = canonical_text(_rewritten_body(contract_record, entry))
        current = entry_hash(previous, body)
        update_row(LEDGER, entry.pk, body=body, prev_hash=previous, hash=current)
        previous = current
    for model, row in ((SystemContract, contract), (GovernanceJob, contract_record.job)):
        kind = "job." if model is GovernanceJob else "contract."
        times = [entry.at for entry in contract_record.entries if entry.event.startswith(kind)]
        if row and times:
            update_row(model._meta.db_table, row.pk, updated_at=max(times))


def sign_anew(signature: ApprovalSignature, content: str) -> None:
    """Change a signature to other content; the page text that the founder saw is not changed."""
    view = canonical_text(json.loads(signature.view) | {"content_digest": content})
    columns = {"content_digest": content, "view": view, "view_digest": sha256_hex(view)}
    update_row(ApprovalSignature._meta.db_table, signature.pk, **columns)


def _rewritten_body(contract_record: ContractRecord, entry: LedgerEntry) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(entry.body)
    body |= {"at": timestamp(entry.at), "actor": entry.actor, "reason": entry.reason}
    body["records"] = {
        record: contract_record.digest_of(record, index=_index_of(contract_record, entry, record))
        for record in body["records"]
    }
    return body


def _index_of(contract_record: ContractRecord, entry: LedgerEntry, record: str) -> int | None:
    if record != "signature_sha256":
        return entry.step_index
    before = [one for one in contract_record.entries if one.seq <= entry.seq]
    return sum("signature_sha256" in json.loads(one.body)["records"] for one in before)


def restore_older_state(context: EditContext) -> Edit | None:
    """Replace all rows of a contract by those that it had some entries ago."""
    aged = [p for p in context.documents if context.older[p.contract_id]]
    document = context.draw.choice(aged)
    length, rows = context.draw.choice(sorted(context.older[document.contract_id].items()))
    remove_rows(document.contract_id)
    put_back(rows)
    return Edit(
        f"as it was {len(document.chain) - length} entries ago",
        {document.contract_id: length + 1},
        by_checkpoint=True,
    )
