"""Tests of signed checkpoints: they reveal tampering that the database alone cannot show."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from governance.domain.errors import InvalidInputError
from governance.models import LedgerEntry, SystemContract
from governance.record.attest import checkpoints
from governance.record.attest.checkpoints import (
    checkpoint_lines,
    compare_with_checkpoint,
    read_checkpoint,
)
from governance.record.attest.envelopes import CHECKPOINT_TYPE, sign_envelope
from governance.record.attest.merkle import MerkleTree
from governance.record.ledger.chain import GENESIS, entry_hash
from governance.record.ledger.verification import Finding, verify_ledger
from tests.support.factories import Running, eligible, judged_job, now, running_job
from tests.support.tampering import tamper, triggers_off
from tests.support.users import Users

KEY = Ed25519PrivateKey.generate()


def taken() -> list[str]:
    return list(checkpoint_lines(key=KEY, at=now()))


def found(lines: list[str]) -> list[Finding]:
    read_checkpoint(lines, key=KEY.public_key())
    return list(compare_with_checkpoint(lines))


def rehash(contract: SystemContract, *, from_seq: int, reason: str) -> None:
    """Change the reason of one ledger entry and recompute the hashes from that entry on."""
    entries = LedgerEntry.objects.filter(contract=contract).order_by("seq")
    previous = GENESIS
    with triggers_off(), connection.cursor() as cursor:
        for entry in entries:
            if entry.seq == from_seq:
                body = json.loads(entry.body)
                body["reason"] = reason
                entry.body = json.dumps(body, separators=(",", ":"), sort_keys=True)
                entry.reason = reason
            if entry.seq >= from_seq:
                digest = entry_hash(previous, entry.body)
                cursor.execute(
                    "UPDATE governance_ledgerentry SET body = %s, reason = %s, prev_hash = %s,"
                    " hash = %s WHERE id = %s",
                    [entry.body, entry.reason, previous, digest, entry.pk],
                )
                entry.hash = digest
            previous = bytes(entry.hash)


def test_untouched_ledger__agrees_with_its_checkpoint_and_may_grow(users: Users) -> None:
    judged_job(users)
    running: Running = running_job(users)
    lines = taken()
    checkpoint = read_checkpoint(lines, key=KEY.public_key())
    assert checkpoint.chains == 2
    running.complete_steps()
    eligible(users)
    assert found(lines) == []


@pytest.mark.parametrize("seq", [1, 4, 12])
def test_chain_hashed_anew__found_where_it_parts_though_it_is_whole_in_itself(
    users: Users, seq: int
) -> None:
    judged_job(users)
    contract = judged_job(users).contract
    lines = taken()
    rehash(contract, from_seq=seq, reason="It was always so.")
    assert [checked.finding for checked in verify_ledger([contract.pk])] == [None]
    assert found(lines) == [
        Finding(contract.pk, seq, "differs from the checkpoint"),
    ]


def test_one_entry_hashed_anew__the_checkpoint_names_it_and_not_the_next(users: Users) -> None:
    contract = judged_job(users).contract
    lines = taken()
    tamper(
        "UPDATE governance_ledgerentry SET hash = sha256(prev_hash || convert_to(body || ' ',"
        " 'UTF8')), body = body || ' ' WHERE seq = 5"
    )
    (checked,) = verify_ledger([contract.pk])
    assert checked.finding
    assert checked.finding.seq == 6
    assert found(lines) == [Finding(contract.pk, 5, "differs from the checkpoint")]


def test_older_backup_restored__missing_entries_and_contracts_are_named(users: Users) -> None:
    contract = judged_job(users).contract
    gone = eligible(users).pk
    lines = taken()
    tamper(f"DELETE FROM governance_ledgerentry WHERE seq > 9 AND contract_id = '{contract.pk}'")
    tamper(f"DELETE FROM governance_ledgerentry WHERE contract_id = '{gone}'")
    assert set(found(lines)) == {
        Finding(contract.pk, 10, "is missing"),
        Finding(gone, 1, "is missing"),
    }


def test_forged_hash__that_hits_the_trail__the_head_still_parts(
    users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "PREFIX", 0)  # every hash matches an empty prefix
    contract = judged_job(users).contract
    lines = taken()
    rehash(contract, from_seq=12, reason="It was always so.")
    assert found(lines) == [Finding(contract.pk, 12, "differs from the checkpoint")]


def test_many_chains__compared_in_batches__each_is_checked(
    users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "CHAINS_PER_BATCH", 2)
    contracts = sorted((eligible(users) for _ in range(4)), key=lambda contract: contract.pk)
    lines = taken()
    for contract in contracts:
        rehash(contract, from_seq=3, reason="It was always so.")
    assert [finding.contract_id for finding in found(lines)] == [c.pk for c in contracts]


def drop_a_chain(lines: list[str]) -> list[str]:
    return lines[1:]


def swap_chains(lines: list[str]) -> list[str]:
    return [lines[1], lines[0], *lines[2:]]


def shorten_a_chain(lines: list[str]) -> list[str]:
    chain = json.loads(lines[0])
    return [json.dumps(chain | {"seq": chain["seq"] - 1}), *lines[1:]]


def change_the_time(lines: list[str]) -> list[str]:
    envelope = json.loads(lines[-1])
    return [*lines[:-1], json.dumps(envelope | {"payload": "e30="})]


def change_the_type(lines: list[str]) -> list[str]:
    envelope = json.loads(lines[-1])
    return [*lines[:-1], json.dumps(envelope | {"payloadType": "application/json"})]


def cut_the_signature(lines: list[str]) -> list[str]:
    return lines[:-1]


def sign_nothing_readable(lines: list[str]) -> list[str]:
    return [*lines[:-1], "{"]


def sign_endless_nesting(lines: list[str]) -> list[str]:
    return [*lines[:-1], "[" * 100_000]


def sign_another_version(lines: list[str]) -> list[str]:
    signed = sign_envelope(b'{"version": "9.0.0"}', payload_type=CHECKPOINT_TYPE, key=KEY)
    return [*lines[:-1], json.dumps(signed)]


@pytest.mark.parametrize(
    "forge",
    [
        drop_a_chain,
        swap_chains,
        shorten_a_chain,
        change_the_time,
        change_the_type,
        cut_the_signature,
        sign_nothing_readable,
        sign_endless_nesting,
        sign_another_version,
    ],
)
def test_forged_checkpoint__refused(users: Users, forge: Any) -> None:
    judged_job(users)
    eligible(users)
    lines = taken()
    assert read_checkpoint(lines, key=KEY.public_key())
    with pytest.raises(InvalidInputError):
        read_checkpoint(forge(lines), key=KEY.public_key())


def test_no_lines_at_all__refused() -> None:
    with pytest.raises(InvalidInputError) as refusal:
        read_checkpoint([], key=KEY.public_key())
    assert refusal.value.code == "bad_checkpoint"


def test_checkpoint__signed_by_another_key__refused(users: Users) -> None:
    eligible(users)
    with pytest.raises(InvalidInputError) as refusal:
        read_checkpoint(taken(), key=Ed25519PrivateKey.generate().public_key())
    assert refusal.value.code == "bad_signature"


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=40), st.data())
def test_merkle_root__any_leaf_changed_moved_or_dropped__differs(
    leaves: list[bytes], data: st.DataObject
) -> None:
    def root(of: list[bytes]) -> bytes:
        tree = MerkleTree()
        for leaf in of:
            tree.add(leaf)
        return tree.root

    index = data.draw(st.integers(0, len(leaves) - 1))
    changed = [*leaves[:index], leaves[index] + b"x", *leaves[index + 1 :]]
    assert root(changed) != root(leaves)
    assert root(leaves[:-1]) != root(leaves)
    assert root([*leaves, leaves[-1]]) != root(leaves)
