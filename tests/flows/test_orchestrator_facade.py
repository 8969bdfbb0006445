"""Tests of the façade `GovernanceOrchestrator`: it delegates every call of a job's life cycle."""

from __future__ import annotations

from typing import Any

import pytest

from governance.authorities.orchestrator.activation import ContractActivationService
from governance.authorities.orchestrator.evidence import AuditTrigger, EndOfJob
from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.authorities.orchestrator.job_state import read_contract, read_job_history
from governance.authorities.orchestrator.planning import ExecutionOrchestrator
from governance.authorities.orchestrator.tracking import JobStateTracker
from governance.domain.errors import HealthUnknownError
from governance.domain.values import JobStatus, StepReport, StepStatus
from tests.support.attacks import nothing_written
from tests.support.factories import THREE_CHANGES, approved, now, reloaded
from tests.support.platform import healthy
from tests.support.users import Users

COMPONENTS = (
    ContractActivationService,
    ExecutionOrchestrator,
    JobStateTracker,
    AuditTrigger,
)


def public_names(component: Any) -> set[str]:
    return {name for name in vars(component) if not name.startswith("_")}


class TestGovernanceOrchestratorFacade:
    def test_whole_job__through_the_facade__ends_with_evidence(self, users: Users) -> None:
        contract, facade = approved(users), GovernanceOrchestrator
        job = facade.activate_contract(
            read_contract(contract.pk), actor=users.operator, health=healthy("Search")
        )
        job, token = facade.start_job(job.pk, executor=users.executor)
        for index in range(3):
            at = now()
            facade.record_step_result(
                job.pk,
                token=token,
                report=StepReport(index, StepStatus.COMPLETED, at, at),
                executor=users.executor,
            )
        assert facade.get_job_progress(job.pk).completed_steps == 3
        job = facade.complete_job(
            read_job_history(job.pk),
            EndOfJob(healthy("Search")),
            token=token,
            executor=users.executor,
        )
        assert reloaded(job).status == JobStatus.COMPLETED
        assert reloaded(job).evidence.document["job_status"] == "COMPLETED"

    def test_every_method__leads_to_one_component_and_adds_nothing(self) -> None:
        for name in public_names(GovernanceOrchestrator):
            behind = [vars(c)[name] for c in COMPONENTS if name in vars(c)]
            assert [b.__func__ for b in behind] == [getattr(GovernanceOrchestrator, name)]

    def test_methods__are_planning_activation_tracking_and_evidence_alone(self) -> None:
        assert public_names(GovernanceOrchestrator) == {
            "plan_changes",
            "plan_proposed_changes",
            "activate_contract",
            "claim_job",
            "start_job",
            "record_step_result",
            "record_step_results",
            "complete_job",
            "cancel_job",
            "fail_timed_out_job",
            "get_job_progress",
            "collect_evidence",
        }

    def test_health__not_handed_over__is_unknown_and_never_read(self, users: Users) -> None:
        state = read_contract(approved(users).pk)
        with nothing_written(), pytest.raises(HealthUnknownError) as refusal:
            GovernanceOrchestrator.activate_contract(state, actor=users.operator, health=None)
        assert refusal.value.code == "health_unknown"

    def test_plan__through_the_facade__is_the_components(self) -> None:
        facade, component = GovernanceOrchestrator, ExecutionOrchestrator
        assert facade.plan_proposed_changes(THREE_CHANGES) == component.plan_proposed_changes(
            THREE_CHANGES
        )

    def test_claim__nothing_pending__none(self, users: Users) -> None:
        assert GovernanceOrchestrator.claim_job(executor=users.executor) is None
