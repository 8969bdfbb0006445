"""The calls that run a job: from its claim to the verdict on it."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import OpenApiResponse, PolymorphicProxySerializer, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api import request_bodies as bodies
from governance.api.declared_errors import can_return
from governance.api.idempotency import idempotent
from governance.api.serializers.jobs import (
    JobSerializer,
    RecordedAuditSerializer,
    RecordedResultSerializer,
    RecordedResultsSerializer,
    StartedJobSerializer,
)
from governance.api.sparse_fields import serialize
from governance.api.viewsets import GovernedViewSet
from governance.authorities.orchestrator.tracking import JobStateTracker
from governance.domain import errors
from governance.flows import audit_job, run_job, start_job
from governance.models import GovernanceJob

# The refusals of a report and of a completion.
RUNNING_JOB_ERRORS = (
    errors.JobImmutableError,
    errors.InvalidJobTransitionError,
    errors.StaleExecutionError,
    errors.LeaseExpiredError,
)
RECORDED = PolymorphicProxySerializer(
    component_name="RecordedResultOrResults",
    serializers=[RecordedResultSerializer, RecordedResultsSerializer],
    resource_type_field_name=None,
)


class JobExecution(GovernedViewSet):
    """Run jobs; only the activation of a contract creates a job."""

    @extend_schema(
        operation_id="claim_job",
        summary="Claim the oldest pending job",
        request=bodies.ClaimSerializer,
        responses={
            200: StartedJobSerializer,
            204: OpenApiResponse(description="No job can start."),
        },
    )
    @can_return(errors.ChangeFreezeActiveError)
    @action(detail=False, methods=["post"])
    @idempotent()
    def claim(self, request: Request) -> Response:
        """Start the oldest PENDING job; two executors never get the same job.

        A token that is restricted to capabilities gets the oldest job within them. A job that
        affects a capability on which another one runs is passed over; one that affects `SYSTEM`
        runs alone. The job has a
        lease until `lease_expires_at`: report the step that is due by then. During a change
        freeze the response is 409 `change_freeze_active`, whether or not a job is PENDING;
        `details` hold `until` and `reason`.
        """
        fields = self.read_body(bodies.ClaimSerializer)
        claimed = start_job.claim_job(executor=self.caller, capabilities=self.token_scope, **fields)
        return self._started(*claimed) if claimed else Response(status=204)

    @extend_schema(
        operation_id="start_job",
        summary="Start a job",
        request=bodies.EmptySerializer,
        responses=StartedJobSerializer,
    )
    @can_return(
        errors.JobImmutableError,
        errors.InvalidJobTransitionError,
        errors.ChangeFreezeActiveError,
        errors.JobRunsByItselfError,
        errors.ScopeBusyError,
    )
    @action(detail=True, methods=["post"])
    @idempotent("job")
    def start(self, request: Request, pk: UUID) -> Response:
        """Start one job: PENDING → RUNNING. The response holds its execution token.

        Every report must carry this token. The job has a lease until `lease_expires_at`: report
        the step that is due by then. During a change freeze the response is 409
        `change_freeze_active`. While another job runs on one of its capabilities, or one of the two
        affects `SYSTEM`, the response is 409 `scope_busy`; `details` hold `capability` and
        `job_id`.
        """
        self.read_body(bodies.EmptySerializer)
        return self._started(*start_job.start_job(pk, executor=self.caller))

    @extend_schema(
        operation_id="report_step",
        summary="Report a step",
        request=PolymorphicProxySerializer(
            component_name="ReportOrReports",
            serializers=[bodies.SingleReportSerializer, bodies.BatchReportSerializer],
            resource_type_field_name=None,
        ),
        responses={201: RECORDED, 200: OpenApiResponse(RECORDED, "Recorded before; no change.")},
    )
    @can_return(
        *RUNNING_JOB_ERRORS,
        errors.ResultConflictError,
        errors.StepOutOfOrderError,
    )
    @action(detail=True, methods=["post"])
    @idempotent("job")
    def results(self, request: Request, pk: UUID) -> Response:
        """Record the result of the step that is due; the same report again is harmless.

        `results` reports up to 200 consecutive steps in order: all are recorded, or none.

        The report renews the lease: the next report is accepted until `lease_expires_at`. The
        response is 409 for a step that is not due (`step_out_of_order`), another report for a step
        that has a result (`result_conflict`), an old execution token (`stale_execution`), a report
        after the lease (`lease_expired`: drop the job), a job that was not started
        (`invalid_job_transition`) or has ended (`job_immutable`). A job that another account
        started returns 404 `job_not_found`.
        """
        if isinstance(request.data, dict) and "results" in request.data:
            kept = JobStateTracker.record_step_results(
                pk, executor=self.caller, **self.read_body(bodies.BatchReportSerializer)
            )
            results = [result for result, _ in kept]
            answer = serialize(
                RecordedResultsSerializer, {"results": results, "job": results[-1].job}
            )
        else:
            kept = [
                JobStateTracker.record_step_result(
                    pk, executor=self.caller, **self.read_body(bodies.SingleReportSerializer)
                )
            ]
            answer = serialize(RecordedResultSerializer, kept[0][0])
        return Response(answer, status=201 if any(is_new for _, is_new in kept) else 200)

    @extend_schema(
        operation_id="complete_job",
        summary="Complete a job",
        request=bodies.CompletionSerializer,
        responses=JobSerializer,
    )
    @can_return(
        *RUNNING_JOB_ERRORS,
        errors.StepsOutstandingError,
    )
    @action(detail=True, methods=["post"])
    @idempotent("job")
    def complete(self, request: Request, pk: UUID) -> Response:
        """End the job as COMPLETED, or as FAILED if a step failed, and seal its evidence.

        The response is 409 `steps_outstanding` while steps are unreported and none has failed, and
        409 `stale_execution`, `lease_expired` or `job_immutable` as for reports. A job that another
        account started returns 404 `job_not_found`.
        """
        token = self.read_body(bodies.CompletionSerializer)["execution_token"]
        job = run_job.complete_job(job_id=pk, token=token, executor=self.caller)
        return Response(serialize(JobSerializer, job))

    @extend_schema(
        operation_id="cancel_job",
        summary="Cancel a job",
        request=bodies.CancellationSerializer,
        responses=JobSerializer,
    )
    @can_return(errors.ReasonRequiredError, errors.JobImmutableError)
    @action(detail=True, methods=["post"])
    @idempotent("job")
    def cancel(self, request: Request, pk: UUID) -> Response:
        """End a PENDING or RUNNING job as CANCELLED, with a reason, and seal its evidence."""
        job = run_job.cancel_job(
            job_id=pk, actor=self.caller, **self.read_body(bodies.CancellationSerializer)
        )
        return Response(serialize(JobSerializer, job))

    @extend_schema(
        operation_id="record_verdict",
        summary="Record the verdict on a job",
        request=bodies.VerdictSerializer,
        responses={201: RecordedAuditSerializer},
    )
    @can_return(
        errors.InvalidVerdictError,
        errors.WrongPersonError,
        errors.AuditorInsideError,
        errors.AuditorNotIndependentError,
        errors.EvidenceNotSealedError,
        errors.EvidenceMismatchError,
        errors.VerdictExistsError,
        errors.VerdictConflictError,
    )
    @action(detail=True, methods=["post"])
    @idempotent("job")
    def verdict(self, request: Request, pk: UUID) -> Response:
        """Record the one verdict on a job, for the evidence whose digest the caller names.

        PASS makes the contract COMPLETED, FAIL makes it FAILED, and INCONCLUSIVE leaves it ACTIVE
        until a person decides. Only FAIL is accepted for a job that did not complete
        (`verdict_conflict`). An account outside the Auditor group is refused with 403
        `not_permitted`, an auditor who took part in the contract or the job with 403
        `auditor_not_independent`. Other errors are 404 `evidence_not_sealed`, 409
        `evidence_mismatch`, 409 `verdict_exists`, and 409 `auditor_inside` where the site's own
        auditor gives the verdicts.
        """
        audit = audit_job.record_verdict(
            job_id=pk, author=self.caller, **self.read_body(bodies.VerdictSerializer)
        )
        return Response(serialize(RecordedAuditSerializer, audit), status=201)

    @staticmethod
    def _started(job: GovernanceJob, token: str) -> Response:
        return Response(serialize(JobSerializer, job) | {"execution_token": token})
