"""Tests that the orchestrator only coordinates.

It executes no step, gives no verdict, and does not change the platform.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from pathlib import Path

import pytest

import governance.authorities.orchestrator
from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.domain.values import AuditVerdict, ContractStatus
from governance.flows.run_job import cancel_job
from governance.models import (
    AuditResolution,
    GovernanceAudit,
    GovernanceJob,
    GovernanceSignal,
    RegistryChange,
)
from governance.services.registry.operations import register_capabilities
from tests.support.factories import failed_job, finished_job, pending_job, reloaded, running_job
from tests.support.users import Users

FOLDER = Path(governance.authorities.orchestrator.__file__).parent
MODULES = sorted(FOLDER.glob("*.py"))

# The only packages that the orchestrator may import: those below it, and itself.
MAY_IMPORT = (
    "governance.authorities.orchestrator.",
    "governance.authorities.contract.",
    "governance.services.freezes.guards.",
    "governance.record.ledger.",
    "governance.db.",
    "governance.models",
    "governance.domain.",
)
NOT_ITS_MODELS = {
    "GovernanceAudit",
    "AuditResolution",
    "GovernanceSignal",
    "Capability",
    "ConfigurationEntry",
}


def imports_of(path: Path) -> set[str]:
    """Return every dotted name that a module imports, at any level."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import does not name its package"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def names_in(path: Path) -> set[str]:
    """Return every name and every text in a module."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Name(id=word) | ast.Attribute(attr=word):
                found.add(word)
            case ast.Constant(value=str(word)):
                found.add(word)
    return found


def never_started(users: Users) -> GovernanceJob:
    return cancel_job(job_id=pending_job(users).pk, reason="Not needed.", actor=users.operator)


ENDS: list[Callable[[Users], GovernanceJob]] = [
    finished_job,
    failed_job,
    never_started,
    lambda users: running_job(users).cancel(),
]


class TestOrchestratorBoundaries:
    # --- imports and names ---
    def test_folder__is_read_in_full(self) -> None:
        assert {path.stem for path in MODULES} >= {
            "activation",
            "planning",
            "tracking",
            "evidence",
            "facade",
        }

    @pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
    def test_imports__of_neither_executor_nor_auditor(self, path: Path) -> None:
        imported = {name for name in imports_of(path) if name.startswith("governance.")}
        assert {name for name in imported if not f"{name}.".startswith(MAY_IMPORT)} == set()

    @pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
    def test_models__of_verdicts_health_and_platform__are_not_its_own(self, path: Path) -> None:
        assert names_in(path).isdisjoint(NOT_ITS_MODELS)
        assert {name.split(".")[-1] for name in imports_of(path)}.isdisjoint(NOT_ITS_MODELS)

    @pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
    def test_ways_around_imports__are_not_taken(self, path: Path) -> None:
        ways = {"get_model", "import_module", "import_string", "__import__", "exec", "eval"}
        assert names_in(path).isdisjoint(ways)

    def test_verdict__is_no_parameter_of_its_operations(self) -> None:
        for name, method in inspect.getmembers(GovernanceOrchestrator, inspect.isfunction):
            assert "verdict" not in name
            assert "verdict" not in inspect.signature(method).parameters

    # --- behaviour ---
    @pytest.mark.parametrize("end", ENDS)
    def test_job__ended_in_any_way__no_verdict_is_written(
        self, users: Users, end: Callable[[Users], GovernanceJob]
    ) -> None:
        job = end(users)
        assert not GovernanceAudit.objects.exists()
        assert not AuditResolution.objects.exists()
        assert reloaded(job.contract).audit_verdict == AuditVerdict.PENDING

    @pytest.mark.parametrize("end", ENDS)
    def test_contract__its_job_ended__stays_active_until_the_verdict(
        self, users: Users, end: Callable[[Users], GovernanceJob]
    ) -> None:
        contract = reloaded(end(users).contract)
        assert contract.status == ContractStatus.ACTIVE
        assert contract.closed_at is None

    @pytest.mark.parametrize("end", ENDS)
    def test_platform__whatever_the_job_did__only_follows_its_completed_steps(
        self, users: Users, end: Callable[[Users], GovernanceJob]
    ) -> None:
        register_capabilities(documents=[{"name": "Search", "configuration": {"page_size": 20}}])
        job = end(users)
        changes = RegistryChange.objects.filter(registry_import=None)
        followed = set(changes.values_list("job_id", "step_index"))
        completed = job.results.filter(status="COMPLETED")
        assert followed == set(completed.values_list("job_id", "step_index"))
        assert not GovernanceSignal.objects.exists()

    def test_pending_job__left_alone__does_not_start_itself(self, users: Users) -> None:
        job = reloaded(pending_job(users))
        assert (job.status, job.started_at, job.results.count()) == ("PENDING", None, 0)
