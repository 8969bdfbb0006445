"""The 733 real contracts, run by two workers from their activation to their end."""

from __future__ import annotations

from itertools import chain

import pytest
from django.test import override_settings

from governance.domain.changes import parse_changes
from governance.domain.values import AuditVerdict, ContractStatus, JobRunner, JobStatus
from governance.flows.activate_contract import activate_contract
from governance.flows.audit_job import record_verdict
from governance.models import AuditEvidence, GovernanceJob, SystemContract
from governance.record.ledger.verification import verify_ledger
from governance.services.registry.verification import verify_registry
from tests.support.kubernetes import needs_real_changes
from tests.support.real_contracts import CONTRACTS, approve_all, in_rounds, propose_all
from tests.support.registry_state import described_state, recorded_state
from tests.support.routing import routes_file
from tests.support.users import Users
from tests.support.worker_process import eventually, working

OPEN = (JobStatus.PENDING, JobStatus.RUNNING)


@pytest.mark.long
@needs_real_changes
def test_real_changes__run_by_two_workers__leave_the_registry_that_they_describe(
    committed: Users,
) -> None:
    contracts = propose_all(committed)
    with (
        override_settings(SECURE_SSL_REDIRECT=False),  # the form of the admin is sent over HTTP
        routes_file() as routes,
        working(routes) as first,
        working(routes) as second,
    ):
        for together in in_rounds(contracts):
            approve_all(committed, together)
            for contract in together:
                job = activate_contract(contract_id=contract.pk, actor=committed.operator)
                assert job.run_by == JobRunner.WORKER
            eventually(
                lambda: not GovernanceJob.objects.filter(status__in=OPEN).exists(), first, second
            )
            for evidence in AuditEvidence.objects.filter(job__audit=None):
                _judge(committed, evidence)
    assert GovernanceJob.objects.filter(status=JobStatus.COMPLETED).count() == CONTRACTS
    assert SystemContract.objects.filter(status=ContractStatus.COMPLETED).count() == CONTRACTS
    changes = [parse_changes(contract.proposed_changes) for contract in contracts]
    assert recorded_state() == described_state(chain.from_iterable(changes))
    assert [checked.finding for checked in verify_ledger() if checked.finding] == []
    assert list(verify_registry()) == []


def _judge(users: Users, evidence: AuditEvidence) -> None:
    record_verdict(
        job_id=evidence.job_id,
        verdict=AuditVerdict.PASS,
        reason="As approved.",
        evidence_sha256=evidence.sha256,
        author=users.auditor,
    )
