"""LEDGER in Python: a whole history in order, with hashes that anyone can recompute."""

from __future__ import annotations

import hashlib
import json

import pytest

from governance.db.transactions import write_transaction
from governance.domain.canonical import timestamp
from governance.domain.errors import IntegrityViolationError
from governance.domain.values import AuditVerdict
from governance.models import LedgerEntry
from governance.record.ledger.chain import NewEntry
from tests.support.attacks import nothing_written
from tests.support.factories import eligible, judged_job, pending_job
from tests.support.forgery import force_job
from tests.support.roles import as_owner
from tests.support.users import Users

ZEROS = bytes(32)


class TestLedgerInPython:
    def test_chain__of_a_whole_history__anyone_can_recompute(self, users: Users) -> None:
        job = judged_job(users, AuditVerdict.PASS)
        head = ZEROS
        for seq, entry in enumerate(LedgerEntry.objects.filter(contract=job.contract_id), 1):
            body = json.loads(entry.body)
            assert (entry.seq, bytes(entry.prev_hash)) == (seq, head)
            head = hashlib.sha256(head + entry.body.encode()).digest()
            assert bytes(entry.hash) == head
            assert (body["seq"], body["at"]) == (seq, timestamp(entry.at))
            for name in ("actor", "event", "from_status", "to_status", "reason", "step_index"):
                assert body[name] == getattr(entry, name)

    def test_ledger__from_proposal_to_verdict__is_in_order(self, users: Users) -> None:
        job = judged_job(users, AuditVerdict.PASS)
        entries = LedgerEntry.objects.filter(contract=job.contract_id)
        assert [(e.event, e.from_status, e.to_status) for e in entries] == [
            ("contract.proposal.drafted", "", "DRAFT"),
            ("contract.validation.recorded", "DRAFT", "VALIDATED"),
            ("contract.eligibility.granted", "VALIDATED", "ELIGIBLE"),
            ("contract.review.approved", "ELIGIBLE", "APPROVED"),
            ("contract.activation.activated", "APPROVED", "ACTIVE"),
            ("job.activation.created", "", "PENDING"),
            ("job.execution.started", "PENDING", "RUNNING"),
            ("job.step.completed", "", ""),
            ("job.step.completed", "", ""),
            ("job.step.completed", "", ""),
            ("job.execution.completed", "RUNNING", "COMPLETED"),
            ("contract.audit.passed", "ACTIVE", "COMPLETED"),
        ]

    def test_event__unknown_or_without_its_records__refused(self) -> None:
        with pytest.raises(KeyError):
            NewEntry("contract.magic.happened")
        with pytest.raises(ValueError, match="vouch"):
            NewEntry("job.execution.started", from_status="PENDING", to_status="RUNNING")

    def test_entry__rewritten_through_the_model__integrity_violation(self, users: Users) -> None:
        contract = eligible(users)
        with (
            nothing_written(),
            as_owner(),
            pytest.raises(IntegrityViolationError) as refusal,
            write_transaction(),
        ):
            LedgerEntry.objects.filter(contract=contract, seq=1).update(actor="user:0:nobody")
        assert refusal.value.details["constraint"] == "ledger_append_only"

    def test_job__moved_past_the_guards_without_an_entry__integrity_violation(
        self, committed: Users
    ) -> None:
        job = pending_job(committed)
        with (
            nothing_written(),
            pytest.raises(IntegrityViolationError) as refusal,
            write_transaction(),
        ):
            force_job(job, "RUNNING", committed.executor)
        assert refusal.value.details["constraint"] == "ledger_covers_status"
