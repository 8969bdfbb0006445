"""The attack `edits`: the owner of the tables edits the record at random, and each edit is found.

`tests/support/rewriting/documents.py` lists what the record does not cover.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import transaction

from governance.domain.values import HealthDecision
from governance.models import Account, SystemContract
from governance.record.attest.checkpoints import (
    checkpoint_lines,
    compare_with_checkpoint,
    read_checkpoint,
)
from governance.record.ledger.verification import verify_ledger
from tests.stress.attack import Advance, AttackResult, attack, chosen_seed, require
from tests.stress.proof import require_whole_record
from tests.support.attacks import run_sql
from tests.support.databases import cloned, ensure_template
from tests.support.factories import now
from tests.support.kubernetes import CHANGES, real_changes
from tests.support.platform import signal
from tests.support.rewriting import chains, edits
from tests.support.rewriting.documents import TABLES, document_of
from tests.support.rewriting.edits import Edit, EditContext
from tests.support.rewriting.histories import HISTORIES, history_of
from tests.support.roles import as_owner
from tests.support.users import create_users

FULL_CHECK_EVERY = 100  # edits
RECORD_FOR = 200  # from so many edits on, the record has every history twice
KINDS: dict[str, tuple[int, Callable[[EditContext], Edit | None]]] = {
    # name: (relative frequency, function)
    "column of a row": (30, edits.edit_column),
    "column of an entry": (10, chains.edit_entry),
    "body of an entry serialized differently": (4, chains.reserialize_entry),
    "values swapped between contracts": (8, edits.swap_columns),
    "row removed": (5, edits.remove_row),
    "row duplicated": (5, edits.double_row),
    "row moved to another contract": (6, edits.move_row),
    "evidence sealed again": (4, edits.reseal_evidence),
    "unreadable time": (2, edits.unreadable_time),
    "contract renamed": (1, edits.rename_contract),
    "contract removed": (1, edits.remove_contract),
    "entries swapped": (4, chains.swap_entries),
    "tail cut": (4, chains.cut_tail),
    "entry removed": (4, chains.remove_entry),
    "entry inserted": (4, chains.insert_entry),
    "entry hashed again": (3, chains.rehash_entry),
    "chain hashed again": (4, chains.rehash_chain),
    "row, digests and chain forged": (5, chains.forge_row),
    "older state restored": (4, chains.restore_older_state),
    "1 → 1.0 in JSONB": (1, edits.reserialize_number),
}


@attack(
    "edits",
    "random edits of the stored record, triggers and constraints off",
    unit="edits",
    short=100,
    long=2000,
)
def edits_of_the_record(count: int, advance: Advance) -> AttackResult:
    seed = chosen_seed()
    draw = Random(seed)
    done: Counter[str] = Counter()
    signed_only = harmless = 0
    with cloned(ensure_template()):
        context = build_record(draw, copies=2 if count >= RECORD_FOR else 1)
        require_whole_record()
        key = Ed25519PrivateKey.generate()
        lines = list(checkpoint_lines(key=key, at=now()))
        read_checkpoint(lines, key=key.public_key())
        with as_owner():
            switch_everything_off()
        names = list(KINDS)
        weights = [weight for weight, _ in KINDS.values()]
        while (number := sum(done.values()) + harmless) < count:
            (name,) = draw.choices(names, weights)
            with transaction.atomic():
                with as_owner():
                    edit = KINDS[name][1](context)
                if edit is not None:
                    whole = edit.whole or number % FULL_CHECK_EVERY == 0
                    require_found(edit, lines, whole=whole, seed=seed, number=number)
                transaction.set_rollback(True)
            if edit is None:
                continue
            harmless += edit.harmless
            done[name] += not edit.harmless
            signed_only += edit.by_checkpoint
            advance(1)
        require_whole_record()
    found = sum(done.values())
    kinds = ", ".join(f"{times} {name}" for name, times in done.most_common())
    return AttackResult(
        f"{found} of {found} edits of {len(context.documents)} contracts found, with contract and "
        f"first bad entry, {signed_only} of them only by the checkpoint; {harmless} edits that "
        f"change no value not reported (seed {seed})\n{kinds}",
        {"edits": found, "by_checkpoint": signed_only, "harmless": harmless, "seed": seed, **done},
    )


def build_record(draw: Random, *, copies: int) -> EditContext:
    """Run each history `copies` times, about real changes if they are on this machine."""
    users = create_users()
    signal(users, HealthDecision.DEGRADED)
    real = real_changes() if CHANGES.exists() else []
    real = [d for d in real if d["eligibility_verdict"]["decision"] == "MAY"]
    # The changes with many steps first, because one step leaves less to edit.
    real.sort(key=lambda d: -len(d["proposed_changes"]["changes"]))
    # One change of each capability, because two jobs on one cannot run at once.
    of_each = {capability: d for d in real for capability in d["affected_capabilities"]}
    real = [d for d in real if all(of_each[name] is d for name in d["affected_capabilities"])]
    about: list[Any] = [None, *draw.sample(real[:100], len(HISTORIES))] if real else [None]
    older = {}
    for copy in range(copies):
        for number, moves in enumerate(HISTORIES):
            subject = about[number % len(about)] if copy % 2 == 0 else None
            history = history_of(subject, copy * len(HISTORIES) + number, users)
            older[history.play(moves, draw)] = history.older
    people = list(Account.objects.values_list("pk", flat=True))
    ids = SystemContract.objects.order_by("pk").values_list("pk", flat=True)
    return EditContext(draw, [document_of(contract_id) for contract_id in ids], older, people)


def switch_everything_off() -> None:
    """Disable all triggers, and drop foreign keys, checks and unique constraints, as the owner."""
    for model in TABLES:
        table = model._meta.db_table
        run_sql(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        for kinds in ("f", "cu"):
            for (name,) in run_sql(
                "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass"
                " AND contype::text = ANY (%s)",
                table,
                list(kinds),
            ):
                run_sql(f'ALTER TABLE {table} DROP CONSTRAINT "{name}" CASCADE')
        for (name,) in run_sql(
            "SELECT indexrelid::regclass::text FROM pg_index"
            " WHERE indrelid = %s::regclass AND indisunique AND NOT indisprimary",
            table,
        ):
            run_sql(f"DROP INDEX {name}")


def require_found(edit: Edit, lines: list[str], *, whole: bool, seed: int, number: int) -> None:
    """Check that exactly the edited contracts are reported, each with its first bad entry.

    Args:
        lines: The checkpoint from before the edit.
        whole: All contracts are verified, not only the edited ones.
    """
    which = None if whole else list(edit.expected)
    plain = named(c.finding for c in verify_ledger(which) if c.finding)
    label = f"edit {number} of seed {seed}, {edit.what}"
    near = {one: range(seq, seq + 1 + edit.linked) for one, seq in edit.expected.items()}
    if edit.by_checkpoint:
        require(not plain, f"{label}: found without the checkpoint: {plain}")
    else:
        fits = plain.keys() == near.keys() and all(plain[one] in near[one] for one in plain)
        require(fits, f"{label}: expected {edit.expected}, found {plain}")
    signed = named(
        compare_with_checkpoint(lines if whole else lines_of_contracts(which or [], lines))
    )
    both = {one: min(f[one] for f in (plain, signed) if one in f) for one in plain | signed}
    require(both == edit.expected, f"{label}: expected {edit.expected}, found {both} with it")


def named(findings: Iterable[Any]) -> dict[UUID, int]:
    return {finding.contract_id: finding.seq for finding in findings}


def lines_of_contracts(contract_ids: Sequence[UUID], lines: Sequence[str]) -> list[str]:
    """Return the lines of a checkpoint that are about these contracts."""
    return [line for line in lines if any(f'"{one}"' in line for one in contract_ids)]
