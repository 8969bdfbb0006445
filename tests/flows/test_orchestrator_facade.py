"""The façade: the orchestrator's one door, through which a whole job can pass."""

from __future__ import annotations

from typing import Any

import pytest

from governance.orchestrator.activation import ContractActivationService
from governance.orchestrator.evidence import AuditTrigger
from governance.orchestrator.facade import GovernanceOrchestrator
from governance.orchestrator.planning import ExecutionOrchestrator
from governance.orchestrator.tracking import JobStateTracker
from governance.vocabulary.errors import ContractActivationError
from governance.vocabulary.values import JobStatus, StepReport, StepStatus
from tests.support.attacks import nothing_written
from tests.support.cast import Cast
from tests.support.platform import healthy
from tests.support.stories import THREE_CHANGES, again, approved, now

COMPONENTS = (
    ContractActivationService,
    ExecutionOrchestrator,
    JobStateTracker,
    AuditTrigger,
)


def public_names(component: Any) -> set[str]:
    return {name for name in vars(component) if not name.startswith("_")}


class TestGovernanceOrchestratorFacade:
    def test_whole_job__through_the_one_door__ends_with_evidence(self, cast: Cast) -> None:
        contract, door = approved(cast), GovernanceOrchestrator
        job = door.activate_contract(
            contract.pk, actor=cast.operator, health=healthy("Search"), at=now()
        )
        job, token = door.start_job(job.pk, executor=cast.executor, at=now())
        for index in range(3):
            at = now()
            door.record_step_result(
                job.pk,
                token=token,
                report=StepReport(index, StepStatus.COMPLETED, at, at),
                executor=cast.executor,
                at=at,
            )
        assert door.get_job_progress(job.pk).completed_steps == 3
        job = door.complete_job(
            job.pk, token=token, executor=cast.executor, health=healthy("Search"), at=now()
        )
        assert again(job).status == JobStatus.COMPLETED
        assert again(job).evidence.document["job_status"] == "COMPLETED"

    def test_every_door__leads_to_one_component_and_adds_nothing(self) -> None:
        for name in public_names(GovernanceOrchestrator):
            behind = [vars(c)[name] for c in COMPONENTS if name in vars(c)]
            assert [b.__func__ for b in behind] == [getattr(GovernanceOrchestrator, name)]

    def test_doors__are_planning_activation_tracking_and_evidence_alone(self) -> None:
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

    def test_health__not_handed_over__is_unknown_and_never_looked_up(self, cast: Cast) -> None:
        contract = approved(cast)
        with nothing_written(), pytest.raises(ContractActivationError) as refusal:
            GovernanceOrchestrator.activate_contract(
                contract.pk, actor=cast.operator, health=None, at=now()
            )
        assert refusal.value.code == "health_unknown"

    def test_plan__through_the_door__is_the_components(self) -> None:
        door, component = GovernanceOrchestrator, ExecutionOrchestrator
        assert door.plan_proposed_changes(THREE_CHANGES) == component.plan_proposed_changes(
            THREE_CHANGES
        )

    def test_claim__nothing_pending__none(self, cast: Cast) -> None:
        assert GovernanceOrchestrator.claim_job(executor=cast.executor, at=now()) is None
