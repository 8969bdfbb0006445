"""The 733 real contracts, run and judged by two workers from their activation to their verdict."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from itertools import chain
from random import Random

import pytest
from django.test import override_settings

from governance.authorities.executor.handlers.program import REFUSED
from governance.domain.changes import parse_changes
from governance.domain.values import AuditVerdict, ContractStatus, JobRunner, JobStatus
from governance.flows.activate_contract import activate_contract
from governance.models import AuditAttempt, GovernanceAudit, GovernanceJob, SystemContract
from governance.record.ledger.verification import verify_ledger
from governance.services.registry.verification import verify_registry
from tests.support.audits import auditor_inside
from tests.support.kubernetes import needs_real_changes
from tests.support.real_contracts import CONTRACTS, SEED, approve_all, in_rounds, propose_all
from tests.support.registry_state import described_state, recorded_state
from tests.support.routing import EVERYTHING_TO_REGISTRY, routes_file
from tests.support.users import Users
from tests.support.worker_process import eventually, working

# The program of the handler `command` refuses each step, which is no fault of the handler.
FAILING = """
[[route]]
scopes = {scopes}
change_types = "*"
handler = "command"

[route.options]
argv = ["/bin/sh", "-c", "echo no >&2; exit {refused}"]
{user}
"""
# A worker that is root runs a program as another account.
USER = "" if os.geteuid() else 'user = "nobody"'


@pytest.fixture
def inside() -> Iterator[None]:
    # The form of the admin is sent over HTTP.
    with auditor_inside(), override_settings(SECURE_SSL_REDIRECT=False):
        yield


@pytest.mark.long
@needs_real_changes
@pytest.mark.usefixtures("inside")
def test_real_changes__run_and_judged_by_two_workers__all_pass_and_leave_what_they_describe(
    committed: Users,
) -> None:
    contracts = propose_all(committed)
    run_and_judge(committed, contracts, EVERYTHING_TO_REGISTRY)
    assert GovernanceJob.objects.filter(status=JobStatus.COMPLETED).count() == CONTRACTS
    assert SystemContract.objects.filter(status=ContractStatus.COMPLETED).count() == CONTRACTS
    assert GovernanceAudit.objects.filter(verdict=AuditVerdict.PASS).count() == CONTRACTS
    assert not AuditAttempt.objects.exists()
    changes = [parse_changes(contract.proposed_changes) for contract in contracts]
    assert recorded_state() == described_state(chain.from_iterable(changes))
    assert [checked.finding for checked in verify_ledger() if checked.finding] == []
    assert list(verify_registry()) == []


@pytest.mark.long
@needs_real_changes
@pytest.mark.usefixtures("inside")
def test_real_changes__of_which_some_fail__each_has_the_verdict_of_its_job(
    committed: Users,
) -> None:
    contracts = propose_all(committed)
    names = sorted({name for contract in contracts for name in contract.affected_capabilities})
    failing = sorted(Random(SEED).sample(names, len(names) // 20))
    route = FAILING.format(scopes=json.dumps(failing), refused=REFUSED, user=USER)
    run_and_judge(committed, contracts, route + EVERYTHING_TO_REGISTRY)
    failed = GovernanceJob.objects.filter(status=JobStatus.FAILED)
    assert failed.count() >= CONTRACTS // 40
    assert failed.count() + GovernanceJob.objects.filter(status="COMPLETED").count() == CONTRACTS
    assert not failed.exclude(audit__verdict=AuditVerdict.FAIL).exists()
    others = GovernanceAudit.objects.filter(job__status=JobStatus.COMPLETED)
    assert not others.exclude(verdict=AuditVerdict.PASS).exists()
    assert [checked.finding for checked in verify_ledger() if checked.finding] == []
    assert list(verify_registry()) == []


def run_and_judge(users: Users, contracts: list[SystemContract], routes: str) -> None:
    """Let two workers run and judge contracts, which are approved and activated in rounds."""
    environment = {"GOVSITE_AUDITOR": "inside"}
    with (
        routes_file(routes) as path,
        working(path, **environment) as first,
        working(path, **environment) as second,
    ):
        for together in in_rounds(contracts):
            approve_all(users, together)
            for contract in together:
                job = activate_contract(contract_id=contract.pk, actor=users.operator)
                assert job.run_by == JobRunner.WORKER
            active = SystemContract.objects.filter(status=ContractStatus.ACTIVE)
            eventually(lambda: not active.exists(), first, second, within=120)  # noqa: B023
