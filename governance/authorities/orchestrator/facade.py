"""The façade of the orchestrator: one entrance to its four components."""

from __future__ import annotations

from governance.authorities.orchestrator.activation import ContractActivationService
from governance.authorities.orchestrator.evidence import AuditTrigger
from governance.authorities.orchestrator.planning import ExecutionOrchestrator
from governance.authorities.orchestrator.tracking import JobStateTracker


class GovernanceOrchestrator:
    """The orchestrator's operations; it executes no step and gives no verdict."""

    plan_changes = staticmethod(ExecutionOrchestrator.plan_changes)
    plan_proposed_changes = staticmethod(ExecutionOrchestrator.plan_proposed_changes)

    activate_contract = staticmethod(ContractActivationService.activate_contract)

    claim_job = staticmethod(JobStateTracker.claim_job)
    start_job = staticmethod(JobStateTracker.start_job)
    record_step_result = staticmethod(JobStateTracker.record_step_result)
    record_step_results = staticmethod(JobStateTracker.record_step_results)
    complete_job = staticmethod(JobStateTracker.complete_job)
    cancel_job = staticmethod(JobStateTracker.cancel_job)
    fail_timed_out_job = staticmethod(JobStateTracker.fail_timed_out_job)
    get_job_progress = staticmethod(JobStateTracker.get_job_progress)

    collect_evidence = staticmethod(AuditTrigger.collect_evidence)
