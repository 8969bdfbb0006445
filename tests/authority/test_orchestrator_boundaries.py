"""The orchestrator coordinates: it executes nothing, decides no verdict and changes no platform."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from pathlib import Path

import pytest

import governance.orchestrator
from governance.flows.run_job import cancel_job
from governance.models import (
    AuditResolution,
    Capability,
    ConfigurationEntry,
    GovernanceAudit,
    GovernanceJob,
    GovernanceSignal,
)
from governance.orchestrator.facade import GovernanceOrchestrator
from governance.registry.operations import register_capabilities
from governance.vocabulary.values import AuditVerdict, ContractStatus
from tests.support.cast import Cast
from tests.support.stories import again, failed_job, finished_job, now, pending_job, running_job

FOLDER = Path(governance.orchestrator.__file__).parent
MODULES = sorted(FOLDER.glob("*.py"))

# All that an orchestrator may know of: what stands below it, and itself.
MAY_REACH = {"orchestrator", "contract", "ledger", "models", "vocabulary"}
NOT_ITS_MODELS = {
    "GovernanceAudit",
    "AuditResolution",
    "GovernanceSignal",
    "Capability",
    "ConfigurationEntry",
}


def imports_of(path: Path) -> set[str]:
    """Every dotted name that a module imports, wherever in the module it does so."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import hides where it leads"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def words_of(path: Path) -> set[str]:
    """Every name and every text in a module."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Name(id=word) | ast.Attribute(attr=word):
                found.add(word)
            case ast.Constant(value=str(word)):
                found.add(word)
    return found


def never_started(cast: Cast) -> GovernanceJob:
    return cancel_job(
        job_id=pending_job(cast).pk, reason="Not needed.", actor=cast.operator, at=now()
    )


ENDS: list[Callable[[Cast], GovernanceJob]] = [
    finished_job,
    failed_job,
    never_started,
    lambda cast: running_job(cast).cancel(),
]


class TestOrchestratorBoundaries:
    # --- what it can reach ---
    def test_folder__is_read_in_full(self) -> None:
        assert {path.stem for path in MODULES} >= {
            "activation",
            "planning",
            "tracking",
            "evidence",
            "facade",
        }

    @pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
    def test_imports__reach_neither_executor_nor_auditor(self, path: Path) -> None:
        reached = {
            name.split(".")[1] for name in imports_of(path) if name.startswith("governance.")
        }
        assert reached <= MAY_REACH

    @pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
    def test_models__of_verdicts_health_and_platform__are_not_its_own(self, path: Path) -> None:
        assert words_of(path).isdisjoint(NOT_ITS_MODELS)
        assert {name.split(".")[-1] for name in imports_of(path)}.isdisjoint(NOT_ITS_MODELS)

    @pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
    def test_ways_around_imports__are_not_taken(self, path: Path) -> None:
        ways = {"get_model", "import_module", "import_string", "__import__", "exec", "eval"}
        assert words_of(path).isdisjoint(ways)

    def test_verdict__is_no_word_of_its_operations(self) -> None:
        for name, door in inspect.getmembers(GovernanceOrchestrator, inspect.isfunction):
            assert "verdict" not in name
            assert "verdict" not in inspect.signature(door).parameters

    # --- what it does ---
    @pytest.mark.parametrize("end", ENDS)
    def test_job__ended_in_any_way__no_verdict_is_written(
        self, cast: Cast, end: Callable[[Cast], GovernanceJob]
    ) -> None:
        job = end(cast)
        assert not GovernanceAudit.objects.exists()
        assert not AuditResolution.objects.exists()
        assert again(job.contract).audit_verdict == AuditVerdict.PENDING

    @pytest.mark.parametrize("end", ENDS)
    def test_contract__its_job_ended__stays_active_until_the_verdict(
        self, cast: Cast, end: Callable[[Cast], GovernanceJob]
    ) -> None:
        contract = again(end(cast).contract)
        assert contract.status == ContractStatus.ACTIVE
        assert contract.closed_at is None

    @pytest.mark.parametrize("end", ENDS)
    def test_platform__whatever_the_job_did__is_not_touched(
        self, cast: Cast, end: Callable[[Cast], GovernanceJob]
    ) -> None:
        register_capabilities(documents=[{"name": "Search", "configuration": {"page_size": 20}}])
        end(cast)
        assert list(Capability.objects.values_list("name", "lifecycle")) == [("Search", "DISABLED")]
        assert list(ConfigurationEntry.objects.values_list("key", "value")) == [("page_size", 20)]
        assert not GovernanceSignal.objects.exists()

    def test_pending_job__left_alone__does_not_start_itself(self, cast: Cast) -> None:
        job = again(pending_job(cast))
        assert (job.status, job.started_at, job.results.count()) == ("PENDING", None, 0)
