"""`/jobs/`: read jobs, run them from claim to completion, and record their verdicts."""

from __future__ import annotations

from dataclasses import asdict
from uuid import UUID

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    PolymorphicProxySerializer,
    extend_schema,
)
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api.conditions import conditional_response, versions_named_in
from governance.api.declared_errors import can_return
from governance.api.errors import InvalidHeaderError, TooManyStreamsError
from governance.api.events import (
    EVENTS_EXAMPLE,
    LAST_EVENT_ID,
    MEDIA_TYPE,
    EventStreamRenderer,
    follow_job,
)
from governance.api.filters import JOB_FILTERS
from governance.api.idempotency import idempotent
from governance.api.pagination import StepIndexPagination
from governance.api.request_bodies import (
    BatchReportSerializer,
    CancellationSerializer,
    ClaimSerializer,
    CompletionSerializer,
    EmptySerializer,
    SingleReportSerializer,
    VerdictSerializer,
)
from governance.api.serializers.jobs import (
    EvidenceSerializer,
    JobSerializer,
    ProgressSerializer,
    RecordedAuditSerializer,
    RecordedResultSerializer,
    RecordedResultsSerializer,
    StartedJobSerializer,
    StepSerializer,
)
from governance.api.serializers.selectable import JobInFullSerializer, JobInListSerializer
from governance.api.sparse_fields import selection_parameters, serialize
from governance.api.viewsets import GovernedViewSet
from governance.authorities.orchestrator.queries import (
    job_progress,
    sealed_evidence_of,
    steps_with_status,
)
from governance.authorities.orchestrator.tracking import JobStateTracker
from governance.domain.errors import (
    AuditorNotIndependentError,
    ChangeFreezeActiveError,
    EvidenceMismatchError,
    EvidenceNotSealedError,
    InvalidJobTransitionError,
    InvalidVerdictError,
    JobImmutableError,
    JobNotFoundError,
    LeaseExpiredError,
    ReasonRequiredError,
    ResultConflictError,
    StaleExecutionError,
    StepOutOfOrderError,
    StepsOutstandingError,
    VerdictConflictError,
    VerdictExistsError,
    VersionMismatchError,
    WrongPersonError,
)
from governance.flows import audit_job, run_job
from governance.models import GovernanceJob

EVIDENCE_DIGEST = OpenApiParameter(
    "X-Evidence-SHA256",
    str,
    OpenApiParameter.HEADER,
    response=[200],
    description="SHA-256 of the bytes of the body, in hexadecimal; `ETag` has the same value.",
)


RECORDED = PolymorphicProxySerializer(
    component_name="RecordedResultOrResults",
    serializers=[RecordedResultSerializer, RecordedResultsSerializer],
    resource_type_field_name=None,
)


class JobViewSet(GovernedViewSet):
    """Read and run jobs; only the activation of a contract creates a job."""

    not_found_error = JobNotFoundError
    queryset = GovernanceJob.objects.all()
    contract_path = "contract__"
    action_permissions = {
        "list": "governance.view_governancejob",
        "retrieve": "governance.view_governancejob",
        "progress": "governance.view_governancejob",
        "steps": "governance.view_jobstep",
        "evidence": "governance.view_auditevidence",
        "events": "governance.view_ledgerentry",
        "claim": "governance.execute_job",
        "start": "governance.execute_job",
        "results": "governance.execute_job",
        "complete": "governance.execute_job",
        "cancel": "governance.cancel_job",
        "verdict": "governance.record_verdict",
    }
    paged_actions = frozenset({"list", "steps"})
    filters = JOB_FILTERS
    selectable = {"list": JobInListSerializer, "retrieve": JobInFullSerializer}

    # --- read ---
    @extend_schema(
        operation_id="list_jobs",
        summary="List jobs",
        parameters=selection_parameters(JobInListSerializer),
        responses=JobInListSerializer(many=True),
    )
    def list(self, request: Request) -> Response:
        """Return jobs, newest first; filters narrow the list.

        To keep a copy up to date, use `ordering=updated_at` with `updated_after` one minute before
        the last `updated_at` that you have seen, because changes become visible when they commit.
        A verdict changes the contract's `updated_at`, not the job's.
        """
        rows = self.filter_queryset(self.get_queryset())
        return self.page_response(rows, "created_at", "updated_at")

    @extend_schema(
        operation_id="get_job",
        summary="Read a job",
        parameters=selection_parameters(JobInFullSerializer),
        responses=JobInFullSerializer,
    )
    @can_return(JobNotFoundError, VersionMismatchError)
    def retrieve(self, request: Request, pk: UUID) -> HttpResponse:
        """Return one job, with the digest of its evidence and its verdict if they exist."""
        return conditional_response(request, "job", pk, self.object_response)

    @extend_schema(
        operation_id="list_steps", summary="Read a job's steps", responses=StepSerializer(many=True)
    )
    @can_return(JobNotFoundError)
    @action(detail=True, methods=["get"], pagination_class=StepIndexPagination, filter_backends=[])
    def steps(self, request: Request, pk: UUID) -> Response:
        """Return the steps of the plan in order, each with its status and its reported result."""
        job = self.get_object()
        steps = steps_with_status(job, self.paginate_queryset(job.steps.all()))
        return self.get_paginated_response([serialize(StepSerializer, step) for step in steps])

    @extend_schema(
        operation_id="get_progress", summary="Read a job's progress", responses=ProgressSerializer
    )
    @can_return(JobNotFoundError)
    @action(detail=True, methods=["get"])
    def progress(self, request: Request, pk: UUID) -> Response:
        """Return the job's status and its counts of steps; one query, so it can be polled often."""
        return Response(serialize(ProgressSerializer, asdict(job_progress(pk))))

    @extend_schema(
        operation_id="get_evidence",
        summary="Read a job's sealed evidence",
        parameters=[EVIDENCE_DIGEST],
        responses=EvidenceSerializer,
    )
    @can_return(JobNotFoundError, EvidenceNotSealedError)
    @action(detail=True, methods=["get"])
    def evidence(self, request: Request, pk: UUID) -> HttpResponse:
        """Return the evidence byte for byte as it was sealed: canonical JSON.

        `X-Evidence-SHA256` is the SHA-256 of these bytes. To check it, hash the body as received,
        before you parse it. The response is 404 `evidence_not_sealed` until the job has ended.
        """
        evidence = sealed_evidence_of(pk)
        if evidence.sha256 in (versions_named_in(request, "If-None-Match") or ()):
            answer = HttpResponse(status=304)
        else:
            answer = HttpResponse(evidence.body.encode("utf-8"), content_type="application/json")
        answer.headers["X-Evidence-SHA256"] = evidence.sha256
        answer.headers["ETag"] = f'"{evidence.sha256}"'
        return answer

    @extend_schema(
        operation_id="follow_job",
        summary="Follow a job by server-sent events",
        parameters=[LAST_EVENT_ID],
        responses={
            (200, MEDIA_TYPE): OpenApiResponse(
                OpenApiTypes.STR, "Events: one for each ledger entry.", examples=[EVENTS_EXAMPLE]
            ),
            204: OpenApiResponse(
                description="The contract has ended, and `Last-Event-ID` is its last entry."
            ),
        },
    )
    @can_return(JobNotFoundError, InvalidHeaderError, TooManyStreamsError)
    @action(
        detail=True,
        methods=["get"],
        renderer_classes=[EventStreamRenderer],
    )
    def events(self, request: Request, pk: UUID) -> HttpResponseBase:
        """Stream the job's ledger entries as server-sent events: the existing ones, then new ones.

        The stream begins with the job's first entry and ends with the entry that ends the
        contract. An event's `id` is the entry's `seq`, `event` is its event name, and `data` is
        the entry as JSON. The stream also ends after some minutes, and when its token is no
        longer valid: reconnect with `Last-Event-ID`, and no entry is lost or repeated. An id that
        was never sent returns 400 `invalid_header`; if the web process has no free stream, the
        response is 503 `too_many_streams`.
        """
        return follow_job(self, self.get_object())

    # --- execute ---
    @extend_schema(
        operation_id="claim_job",
        summary="Claim the oldest pending job",
        request=ClaimSerializer,
        responses={200: StartedJobSerializer, 204: OpenApiResponse(description="No PENDING job.")},
    )
    @can_return(ChangeFreezeActiveError)
    @action(detail=False, methods=["post"])
    @idempotent()
    def claim(self, request: Request) -> Response:
        """Start the oldest PENDING job; two executors never get the same job.

        A token that is restricted to capabilities gets the oldest job within them. The job has a
        lease until `lease_expires_at`: report the step that is due by then. During a change
        freeze the response is 409 `change_freeze_active`, whether or not a job is PENDING;
        `details` hold `until` and `reason`.
        """
        fields = self.read_body(ClaimSerializer)
        claimed = JobStateTracker.claim_job(
            executor=self.caller, capabilities=self.token_scope, **fields
        )
        return self._started(*claimed) if claimed else Response(status=204)

    @extend_schema(
        operation_id="start_job",
        summary="Start a job",
        request=EmptySerializer,
        responses=StartedJobSerializer,
    )
    @can_return(
        JobNotFoundError, JobImmutableError, InvalidJobTransitionError, ChangeFreezeActiveError
    )
    @action(detail=True, methods=["post"])
    @idempotent("job")
    def start(self, request: Request, pk: UUID) -> Response:
        """Start one job: PENDING → RUNNING. The response holds its execution token.

        Every report must carry this token. The job has a lease until `lease_expires_at`: report
        the step that is due by then. During a change freeze the response is 409
        `change_freeze_active`.
        """
        self.read_body(EmptySerializer)
        return self._started(*JobStateTracker.start_job(pk, executor=self.caller))

    @extend_schema(
        operation_id="report_step",
        summary="Report a step",
        request=PolymorphicProxySerializer(
            component_name="ReportOrReports",
            serializers=[SingleReportSerializer, BatchReportSerializer],
            resource_type_field_name=None,
        ),
        responses={201: RECORDED, 200: OpenApiResponse(RECORDED, "Recorded before; no change.")},
    )
    @can_return(
        JobNotFoundError,
        JobImmutableError,
        InvalidJobTransitionError,
        StaleExecutionError,
        LeaseExpiredError,
        ResultConflictError,
        StepOutOfOrderError,
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
                pk, executor=self.caller, **self.read_body(BatchReportSerializer)
            )
            results = [result for result, _ in kept]
            answer = serialize(
                RecordedResultsSerializer, {"results": results, "job": results[-1].job}
            )
        else:
            kept = [
                JobStateTracker.record_step_result(
                    pk, executor=self.caller, **self.read_body(SingleReportSerializer)
                )
            ]
            answer = serialize(RecordedResultSerializer, kept[0][0])
        return Response(answer, status=201 if any(is_new for _, is_new in kept) else 200)

    @extend_schema(
        operation_id="complete_job",
        summary="Complete a job",
        request=CompletionSerializer,
        responses=JobSerializer,
    )
    @can_return(
        JobNotFoundError,
        JobImmutableError,
        InvalidJobTransitionError,
        StaleExecutionError,
        LeaseExpiredError,
        StepsOutstandingError,
    )
    @action(detail=True, methods=["post"])
    @idempotent("job")
    def complete(self, request: Request, pk: UUID) -> Response:
        """End the job as COMPLETED, or as FAILED if a step failed, and seal its evidence.

        The response is 409 `steps_outstanding` while steps are unreported and none has failed, and
        409 `stale_execution`, `lease_expired` or `job_immutable` as for reports. A job that another
        account started returns 404 `job_not_found`.
        """
        token = self.read_body(CompletionSerializer)["execution_token"]
        job = run_job.complete_job(job_id=pk, token=token, executor=self.caller)
        return Response(serialize(JobSerializer, job))

    @extend_schema(
        operation_id="cancel_job",
        summary="Cancel a job",
        request=CancellationSerializer,
        responses=JobSerializer,
    )
    @can_return(ReasonRequiredError, JobNotFoundError, JobImmutableError)
    @action(detail=True, methods=["post"])
    @idempotent("job")
    def cancel(self, request: Request, pk: UUID) -> Response:
        """End a PENDING or RUNNING job as CANCELLED, with a reason, and seal its evidence."""
        job = run_job.cancel_job(
            job_id=pk, actor=self.caller, **self.read_body(CancellationSerializer)
        )
        return Response(serialize(JobSerializer, job))

    # --- audit ---
    @extend_schema(
        operation_id="record_verdict",
        summary="Record the verdict on a job",
        request=VerdictSerializer,
        responses={201: RecordedAuditSerializer},
    )
    @can_return(
        InvalidVerdictError,
        WrongPersonError,
        AuditorNotIndependentError,
        JobNotFoundError,
        EvidenceNotSealedError,
        EvidenceMismatchError,
        VerdictExistsError,
        VerdictConflictError,
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
        `evidence_mismatch` and 409 `verdict_exists`.
        """
        audit = audit_job.record_verdict(
            job_id=pk, author=self.caller, **self.read_body(VerdictSerializer)
        )
        return Response(serialize(RecordedAuditSerializer, audit), status=201)

    @staticmethod
    def _started(job: GovernanceJob, token: str) -> Response:
        return Response(serialize(JobSerializer, job) | {"execution_token": token})
