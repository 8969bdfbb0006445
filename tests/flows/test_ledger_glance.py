"""A chain that is seen to fit at a glance fits by looking closely, and says the same."""

from __future__ import annotations

import gc
import json
from collections import Counter
from random import Random
from typing import Any

import pytest
from django.db import DataError, connection, transaction

from governance.flows.run_job import cancel_job
from governance.ledger import judging
from governance.ledger.chain import entry_hash
from governance.ledger.dossier import NO_DIGEST, Dossier
from governance.ledger.glance import told_at_a_glance
from governance.ledger.judging import told_closely
from governance.ledger.loading import load_dossiers
from governance.ledger.verification import Finding, verify_ledger
from governance.models import LedgerEntry, SystemContract
from governance.vocabulary.canonical import canonical_text, digest
from tests.support.cast import Cast
from tests.support.platform import FAILING
from tests.support.rewriting.edits import Studio
from tests.support.rewriting.tales import TALES
from tests.support.roles import as_owner
from tests.support.stories import answered, judged_job, now, pending_job, running_job, signed
from tests.support.succession import modified
from tests.support.tampering import laws_off, run_sql
from tests.torture.edits import KINDS, switch_everything_off, tell_record

EDITS = 150
UNREADABLE = (DataError, ValueError, RecursionError)


def dossiers() -> list[Dossier]:
    return list(load_dossiers(SystemContract.objects.values_list("pk", flat=True)))


def findings() -> list[Finding]:
    return [checked.finding for checked in verify_ledger() if checked.finding]


def rehash_from(place: int, said: dict[str, Any]) -> None:
    """Let an entry of the only chain say something else in its columns and its body, and hash the
    chain anew from there on."""
    head: bytes | None = None
    with laws_off(), connection.cursor() as cursor:
        for entry in LedgerEntry.objects.filter(seq__gte=place).order_by("seq"):
            head = bytes(entry.prev_hash) if head is None else head
            new = said if entry.seq == place else {}
            body = canonical_text(json.loads(entry.body) | new)
            columns = {name: value for name, value in new.items() if name != "records"}
            columns |= {"body": body, "prev_hash": head, "hash": entry_hash(head, body)}
            cursor.execute(
                f"UPDATE governance_ledgerentry SET {', '.join(f'{name} = %s' for name in columns)}"
                " WHERE id = %s",
                [*columns.values(), entry.pk],
            )
            head = entry_hash(head, body)


def test_whole_chains__of_every_tale__fit_at_a_glance_and_say_the_same(db: None) -> None:
    tell_record(Random(3), copies=1)
    told = [_fits_the_same(dossier) for dossier in dossiers()]
    assert len(told) == len(TALES)
    assert all(told)


def test_whole_chains__of_what_no_tale_tells__fit_at_a_glance_too(
    cast: Cast, settings: Any
) -> None:
    modified(cast)
    answered(cast)
    job = pending_job(cast)
    settings.GOVERNANCE = settings.GOVERNANCE | {"QUORUM": {"medium": 2}}
    signed(cast, signed(cast), founder=cast.second_founder)
    settings.GOVERNANCE = settings.GOVERNANCE | {"HEALTH_PROVIDER": FAILING[0]}
    # Its last entry says that nobody could tell the health.
    cancel_job(job_id=job.pk, reason="Too late.", actor=cast.operator, at=now())
    last = LedgerEntry.objects.filter(contract=job.contract_id).latest("seq")
    assert '"health_after_sha256":null' in last.body
    assert all(_fits_the_same(dossier) for dossier in dossiers())


@pytest.mark.parametrize("seed", [11, 12])
def test_random_edits__what_fits_at_a_glance__fits_closely(db: None, seed: int) -> None:
    draw = Random(seed)
    studio = tell_record(draw, copies=1)
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        switch_everything_off()
    seen = Counter[bool]()
    while seen.total() < EDITS:
        with transaction.atomic():
            with as_owner():
                edit = KINDS[draw.choice(list(KINDS))][1](studio)
            if edit is not None:
                fits = [_fits_the_same(dossier) for dossier in _readable(studio, edit.expected)]
                seen[all(fits)] += 1
            transaction.set_rollback(True)
    # Most are entries that do not fit; some leave the chain whole, and what is after it bad.
    assert seen[False] > EDITS / 2
    assert seen[True]


def _readable(studio: Studio, contract_ids: Any) -> list[Dossier]:
    try:
        return list(load_dossiers(list(contract_ids)))
    except UNREADABLE:
        return []


def _fits_the_same(dossier: Dossier) -> bool:
    at_a_glance = told_at_a_glance(dossier)
    closely, problem = told_closely(dossier)
    if at_a_glance is None:
        return False
    assert (at_a_glance, problem) == (closely, None)
    return True


@pytest.mark.parametrize(
    ("seq", "said"),
    [
        (5, {"to_status": ""}),
        (5, {"to_status": "ELIGIBLE"}),
        (5, {"from_status": "DRAFT"}),
        (8, {"to_status": "RUNNING"}),
        (8, {"from_status": "RUNNING", "to_status": "RUNNING"}),
        (8, {"step_index": 7}),
        (12, {"seq": 13}),
        (12, {"event": "contract.audit.inconclusive"}),
        (12, {"event": "contract.audit.praised"}),
        (12, {"records": {"audit_sha256": None, "closing_sha256": None}}),
        (12, {"records": {"closing_sha256": None}}),
        (4, {"reason": "It was naïve, \U0001f600."}),
        (4, {"actor": "user:1:eve"}),
        (4, {"at": "2026-01-01T00:00:00.000000Z"}),
    ],
)
def test_chain_hashed_anew__either_way_of_looking__same_finding(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, seq: int, said: dict[str, Any]
) -> None:
    judged_job(cast)
    rehash_from(seq, said)
    at_a_glance = findings()
    monkeypatch.setattr(judging, "told_at_a_glance", lambda dossier: None)
    assert findings() == at_a_glance


@pytest.mark.parametrize("word", ["no digest", "altered", "unreadable", "twice"])
def test_entry__that_vouches_for_no_digest__is_a_finding(cast: Cast, word: str) -> None:
    """Or whoever hashed a chain anew once could rewrite the row ever after."""
    judged_job(cast)
    records = json.loads(LedgerEntry.objects.get(seq=11).body)["records"]
    rehash_from(11, {"records": records | {"evidence_sha256": word}})
    run_sql("UPDATE governance_auditevidence SET collected_at = now()")
    [found] = findings()
    assert (found.seq, "evidence_sha256" in found.problem) == (11, True)


def test_nothing__rewritten_to_a_number_too_large_for_a_double__found(cast: Cast) -> None:
    """orjson spells an infinity as it spells nothing."""
    running = running_job(cast)
    running.record(running.report(0, output={"count": None}))
    assert findings() == []
    run_sql(
        "UPDATE governance_stepresult SET output ="
        " jsonb_build_object('count', ('1' || repeat('0', 400) || '.5')::jsonb)"
    )
    [found] = findings()
    assert (found.seq, "step_result_sha256" in found.problem) == (8, True)


def test_last_entry__of_another_hash__found(cast: Cast) -> None:
    judged_job(cast)
    run_sql("UPDATE governance_ledgerentry SET hash = sha256('x'::bytea) WHERE seq = 12")
    assert [found.seq for found in findings()] == [12]


def test_confidence__that_is_no_number_any_more__is_not_the_nothing_that_it_was(
    cast: Cast,
) -> None:
    judged_job(cast)
    [dossier] = dossiers()
    row: Any = dossier.contract
    nothing = digest(row._replace(confidence_score=None).content_record())
    dossier.contract = row._replace(confidence_score=float("nan"), content_digest=nothing)
    assert dossier.digest_of("content_sha256", place=None, expected=nothing) == NO_DIGEST
    dossier.contract = row._replace(confidence_score=None, content_digest=nothing)
    assert dossier.digest_of("content_sha256", place=None, expected=nothing) == nothing


def test_entry__that_lost_its_status__is_left_to_be_looked_at_closely(cast: Cast) -> None:
    judged_job(cast)
    [dossier] = dossiers()
    last: Any = dossier.entries[-1]
    body = canonical_text(json.loads(last.body) | {"to_status": None})
    hashed = entry_hash(last.prev_hash, body)
    dossier.entries[-1] = last._replace(to_status=None, body=body, hash=hashed)
    assert told_at_a_glance(dossier) is None


def test_verifying__where_nobody_collects_garbage__leaves_it_so(cast: Cast) -> None:
    judged_job(cast)
    gc.disable()
    try:
        assert findings() == []
        assert not gc.isenabled()
    finally:
        gc.enable()
    assert findings() == []
    assert gc.isenabled()
