"""Edits of the chains themselves, and of what only a checkpoint can tell from the truth."""

from __future__ import annotations

import json
from typing import Any

from governance.ledger.chain import GENESIS, entry_hash
from governance.ledger.dossier import Dossier
from governance.ledger.loading import load_dossiers
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
from governance.vocabulary.canonical import (
    canonical_text,
    digest,
    require_plain_json,
    sha256_hex,
    timestamp,
)
from governance.vocabulary.errors import InvalidInputError
from tests.support.attacks import insert_row, run_sql, update_row
from tests.support.rewriting.edits import Edit, Studio, rewritten, set_column
from tests.support.rewriting.pictures import Picture, columns_of, put_back, remove
from tests.support.rewriting.values import another

LEDGER = "governance_ledgerentry"
TOLD_COLUMNS = ("actor", "reason", "at")
# Columns that a forger can change and then have every later digest follow.
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


def edit_entry(studio: Studio) -> Edit:
    """One column of one entry says something else."""
    picture, model, row = studio.row(LedgerEntry)
    column = studio.draw.choice(columns_of(model))
    name = column.attname
    value = another(column, row[name], studio.draw, studio.people)
    set_column(model, row, column, value)
    bad = row["seq"]
    if name == "contract_id":  # hung on a contract that is not there
        return Edit(
            f"entry {bad} without contract", {picture.contract_id: bad, value: 1}, whole=True
        )
    if name == "seq":  # it is missing where it was, or one too many before that
        bad = min(bad, value + 1)
    return Edit(f"entry {row['seq']}.{name}: {row[name]!r} → {value!r}", {picture.contract_id: bad})


def respell_entry(studio: Studio) -> Edit:
    """The body says it in other words, or the same in another spelling."""
    picture, _, row = studio.row(LedgerEntry)
    body = row["body"]
    while body == row["body"]:
        body = rewritten(body, studio.draw)
    update_row(LEDGER, row["id"], body=body)
    return Edit(f"entry {row['seq']} spelled otherwise", {picture.contract_id: row["seq"]})


def swap_entries(studio: Studio) -> Edit | None:
    """Two entries of a chain change places."""
    picture = studio.picture()
    if len(picture.chain) < 2:
        return None
    first, second = sorted(studio.draw.sample(range(len(picture.chain)), 2))
    update_row(LEDGER, picture.chain[first].row_id, seq=second + 1)
    update_row(LEDGER, picture.chain[second].row_id, seq=first + 1)
    return Edit(f"entries {first + 1} and {second + 1} swapped", {picture.contract_id: first + 1})


def cut_tail(studio: Studio) -> Edit:
    picture = studio.picture()
    last = studio.draw.randrange(len(picture.chain))
    run_sql(f"DELETE FROM {LEDGER} WHERE contract_id = %s AND seq > %s", picture.contract_id, last)
    return Edit(f"cut after entry {last}", {picture.contract_id: last + 1})


def remove_entry(studio: Studio) -> Edit:
    """One entry is gone; those after it close up, or do not."""
    picture, _, row = studio.row(LedgerEntry)
    run_sql(f"DELETE FROM {LEDGER} WHERE id = %s", row["id"])
    if studio.draw.random() < 0.5:
        run_sql(
            f"UPDATE {LEDGER} SET seq = seq - 1 WHERE contract_id = %s AND seq > %s",
            picture.contract_id,
            row["seq"],
        )
    return Edit(f"entry {row['seq']} removed", {picture.contract_id: row["seq"]})


def insert_entry(studio: Studio) -> Edit:
    """An entry that tells something untrue, linked and hashed, between others or at the end."""
    picture = studio.picture()
    place = studio.draw.randint(1, picture.after)
    run_sql(
        f"UPDATE {LEDGER} SET seq = seq + 1 WHERE contract_id = %s AND seq >= %s",
        picture.contract_id,
        place,
    )
    entries = picture.rows[LedgerEntry]
    model = dict(studio.draw.choice(entries)) | {"seq": place}
    model["prev_hash"] = bytes(entries[place - 2]["hash"]) if place > 1 else GENESIS
    body = json.loads(model["body"]) | {"seq": place}
    model["body"] = canonical_text(body)
    model["hash"] = entry_hash(model["prev_hash"], model["body"])
    del model["id"]
    same = place < picture.after and model["body"] == entries[place - 1]["body"]
    insert_row(LEDGER, **model)
    # A true copy is as good as the one it copies; the one after it is the one too many.
    linked = place < picture.after and not same
    return Edit(f"entry inserted at {place}", {picture.contract_id: place + same}, linked=linked)


def rehash_entry(studio: Studio) -> Edit | None:
    """One entry says something else, hash and all; the next one still links to what it was."""
    picture, _, row = studio.row(LedgerEntry)
    body = json.loads(row["body"]) | {"reason": row["reason"] + " And so it was."}
    text = canonical_text(body)
    prev_hash = bytes(row["prev_hash"])
    update_row(
        LEDGER, row["id"], body=text, reason=body["reason"], hash=entry_hash(prev_hash, text)
    )
    is_last = row["seq"] == len(picture.chain)
    return Edit(
        f"entry {row['seq']} hashed anew",
        {picture.contract_id: row["seq"]},
        by_checkpoint=is_last,
        linked=not is_last,
    )


def rehash_chain(studio: Studio) -> Edit:
    """An entry says something else, and every hash from there on follows."""
    picture, model, row = studio.row(LedgerEntry)
    name = studio.draw.choice(TOLD_COLUMNS)
    column = next(c for c in columns_of(model) if c.attname == name)
    set_column(model, row, column, another(column, row[name], studio.draw, studio.people))
    forge_chain(picture)
    return Edit(
        f"chain hashed anew from {row['seq']}",
        {picture.contract_id: row["seq"]},
        by_checkpoint=True,
    )


def forge_row(studio: Studio) -> Edit | None:
    """A row says something else, and every digest and hash that follows from it says so too."""
    model, name = studio.draw.choice(FORGEABLE)
    picture, _, row = studio.row(model)
    if picture.vouching_column(model, row, name) == picture.after:
        return None  # nothing vouches for it yet: nothing to forge
    column = next(c for c in columns_of(model) if c.attname == name)
    value = another(column, row[name], studio.draw, studio.people)
    if not is_plain(value):
        return None  # what no digest can be taken of cannot be forged
    set_column(model, row, column, value)
    forge_chain(picture)
    return Edit(
        f"{model.__name__}.{name} and all that vouches for it",
        {picture.contract_id: picture.vouching_column(model, row, name)},
        by_checkpoint=True,
    )


def is_plain(value: Any) -> bool:
    try:
        require_plain_json(value)
    except InvalidInputError:
        return False
    return True


def forge_chain(picture: Picture) -> None:
    """Make the digests, bodies and hashes of a chain what its rows say now."""
    [dossier] = load_dossiers([picture.contract_id])
    contract = dossier.contract
    if contract.content_digest:
        content = digest(contract.content_record())
        changes: dict[str, Any] = {"content_digest": content}
        if contract.approved_digest:
            changes["approved_digest"] = content
        update_row(SystemContract._meta.db_table, contract.pk, **changes)
        for (record, _), row in dossier.rows.items():
            if record == "signature_sha256":
                sign_anew(row, content)
        [dossier] = load_dossiers([picture.contract_id])
    previous = GENESIS
    for entry in dossier.entries:
        body = canonical_text(_retold(dossier, entry))
        current = entry_hash(previous, body)
        update_row(LEDGER, entry.pk, body=body, prev_hash=previous, hash=current)
        previous = current
    for model, row in ((SystemContract, contract), (GovernanceJob, dossier.job)):
        kind = "job." if model is GovernanceJob else "contract."
        told = [entry.at for entry in dossier.entries if entry.event.startswith(kind)]
        if row and told:
            update_row(model._meta.db_table, row.pk, updated_at=max(told))


def sign_anew(signature: ApprovalSignature, content: str) -> None:
    """Under other content, as if its founder had seen that; what they saw stays beside it."""
    view = canonical_text(json.loads(signature.view) | {"content_digest": content})
    said = {"content_digest": content, "view": view, "view_digest": sha256_hex(view)}
    update_row(ApprovalSignature._meta.db_table, signature.pk, **said)


def _retold(dossier: Dossier, entry: LedgerEntry) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(entry.body)
    body |= {"at": timestamp(entry.at), "actor": entry.actor, "reason": entry.reason}
    body["records"] = {
        record: dossier.digest_of(record, place=_place_of(dossier, entry, record))
        for record in body["records"]
    }
    return body


def _place_of(dossier: Dossier, entry: LedgerEntry, record: str) -> int | None:
    if record != "signature_sha256":
        return entry.step_index
    before = [one for one in dossier.entries if one.seq <= entry.seq]
    return sum("signature_sha256" in json.loads(one.body)["records"] for one in before)


def restore_older_state(studio: Studio) -> Edit | None:
    """A contract as it was some entries ago, with every row that it had then, and no other."""
    aged = [p for p in studio.pictures if studio.older[p.contract_id]]
    picture = studio.draw.choice(aged)
    length, rows = studio.draw.choice(sorted(studio.older[picture.contract_id].items()))
    remove(picture.contract_id)
    put_back(rows)
    return Edit(
        f"as it was {len(picture.chain) - length} entries ago",
        {picture.contract_id: length + 1},
        by_checkpoint=True,
    )
