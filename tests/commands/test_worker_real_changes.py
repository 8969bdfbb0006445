"""The 733 real contracts, run by two workers from their activation to their end."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import override_settings

from governance.domain.changes import (
    CapabilityDisable,
    CapabilityEnable,
    ConfigurationUpdate,
    parse_changes,
)
from governance.domain.values import AuditVerdict, ContractStatus, JobRunner, JobStatus, Lifecycle
from governance.flows.activate_contract import activate_contract
from governance.flows.audit_job import record_verdict
from governance.models import (
    AuditEvidence,
    Capability,
    ConfigurationEntry,
    GovernanceJob,
    SystemContract,
)
from governance.record.ledger.verification import verify_ledger
from governance.services.registry.verification import verify_registry
from tests.support.kubernetes import CAPABILITIES, needs_real_changes
from tests.support.real_contracts import CONTRACTS, approve_all, in_rounds, propose_all
from tests.support.routing import routes_file
from tests.support.users import Users
from tests.support.worker_process import eventually, working

OPEN = (JobStatus.PENDING, JobStatus.RUNNING)
# The lifecycles by capability, and the configuration by scope and key, without what has no value.
RegistryState = tuple[dict[str, str], dict[tuple[str, str], Any]]


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
    assert _recorded() == _described_by(contracts)
    assert [chain.finding for chain in verify_ledger() if chain.finding] == []
    assert list(verify_registry()) == []


def _judge(users: Users, evidence: AuditEvidence) -> None:
    record_verdict(
        job_id=evidence.job_id,
        verdict=AuditVerdict.PASS,
        reason="As approved.",
        evidence_sha256=evidence.sha256,
        author=users.auditor,
    )


def _recorded() -> RegistryState:
    entries = ConfigurationEntry.objects.values_list("scope", "key", "value")
    return (
        dict(Capability.objects.values_list("name", "lifecycle")),
        {(scope, key): value for scope, key, value in entries if value is not None},
    )


def _described_by(contracts: list[SystemContract]) -> RegistryState:
    """Return the registry of the data file after the changes of the contracts, in their order."""
    lifecycles: dict[str, str] = {}
    configuration: dict[tuple[str, str], Any] = {}
    for document in json.loads(CAPABILITIES.read_text())["capabilities"]:
        lifecycles[document["name"]] = document.get("lifecycle", str(Lifecycle.DISABLED))
        for key, value in document.get("configuration", {}).items():
            configuration[document["name"], key] = value
    for contract in contracts:
        for change in parse_changes(contract.proposed_changes):
            match change:
                case CapabilityEnable():
                    lifecycles[change.target] = str(change.target_lifecycle)
                case CapabilityDisable():
                    lifecycles[change.target] = str(Lifecycle.DISABLED)
                case ConfigurationUpdate():
                    configuration[change.scope, change.key] = change.new_value
                case _:
                    for key, value in change.parameters.items():
                        configuration[change.scope, key] = value
    return lifecycles, {at: value for at, value in configuration.items() if value is not None}
