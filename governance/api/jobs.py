"""`/jobs/`: read jobs, and track their execution from claim to verdict."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
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

from governance.api.conditions import answer_unless_known, versions_in
from governance.api.events import (
    LAST_EVENT_ID,
    MEDIA_TYPE,
    SOME_EVENTS,
    EventStreamRenderer,
    follow_job,
)
from governance.api.filters import JOB_FILTERS
from governance.api.forms import Cancellation, Completion, Nothing, Report, Reports, Verdict
from governance.api.idempotency import sent_again_safely
from governance.api.pagination import ByStepIndex
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
from governance.api.serializers.reading import (
    JOB_IN_FULL,
    JOB_IN_LIST,
    JobInFullSerializer,
    JobInListSerializer,
)
from governance.api.shown import shown, shown_each
from governance.api.viewsets import GovernedViewSet
from governance.flows import audit_job, run_job
from governance.models import GovernanceJob
from governance.orchestrator.queries import (
    job_progress,
    sealed_evidence_of,
    steps_with_status,
)

EVIDENCE_DIGEST = OpenApiParameter(
    "X-Evidence-SHA256",
    str,
    OpenApiParameter.HEADER,
    response=[200],
    description="SHA-256 of the body's bytes, in hexadecimal; `ETag` carries it too.",
)


RECORDED = PolymorphicProxySerializer(
    component_name="RecordedResultOrResults",
    serializers=[RecordedResultSerializer, RecordedResultsSerializer],
    resource_type_field_name=None,
)


class JobViewSet(GovernedViewSet):
    """A job is made by activating a contract, and by nothing else."""

    noun = "job"
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
    shapes = {"list": JOB_IN_LIST, "retrieve": JOB_IN_FULL}

    def get_queryset(self) -> QuerySet[GovernanceJob, Any]:
        jobs = GovernanceJob.objects.all()
        return self.selection.read(jobs) if self.action in self.shapes else jobs

    # --- read ---
    @extend_schema(
        operation_id="list_jobs",
        summary="List jobs",
        parameters=JOB_IN_LIST.parameters(),
        responses=JobInListSerializer(many=True),
    )
    def list(self, request: Request) -> Response:
        """The newest jobs first; filters narrow them down.

        To follow what changes: `ordering=updated_at&updated_after=` the last time seen, less a
        minute for what was being written just then. A verdict changes its contract, not the job.
        """
        return self.shown_page(self.filter_queryset(self.get_queryset()))

    @extend_schema(
        operation_id="get_job",
        summary="Read a job",
        parameters=JOB_IN_FULL.parameters(),
        responses=JobInFullSerializer,
    )
    def retrieve(self, request: Request, pk: UUID) -> HttpResponse:
        """One job, the digest of its evidence and its verdict where there are any."""
        return answer_unless_known(request, "job", pk, lambda: Response(self.shown_object()))

    @extend_schema(
        operation_id="list_steps", summary="Read a job's steps", responses=StepSerializer(many=True)
    )
    @action(detail=True, methods=["get"], pagination_class=ByStepIndex, filter_backends=[])
    def steps(self, request: Request, pk: UUID) -> Response:
        """The plan in its order: each step, how it stands, and its result where there is one."""
        job = self.get_object()
        steps = steps_with_status(job, self.paginate_queryset(job.steps.all()))
        return self.get_paginated_response(shown_each(StepSerializer, steps))

    @extend_schema(
        operation_id="get_progress", summary="Read a job's progress", responses=ProgressSerializer
    )
    @action(detail=True, methods=["get"], pagination_class=None, filter_backends=[])
    def progress(self, request: Request, pk: UUID) -> Response:
        """Where the job stands, in six numbers and words: cheap enough to ask often."""
        return Response(shown(ProgressSerializer, asdict(job_progress(pk))))

    @extend_schema(
        operation_id="get_evidence",
        summary="Read a job's sealed evidence",
        parameters=[EVIDENCE_DIGEST],
        responses=EvidenceSerializer,
    )
    @action(detail=True, methods=["get"], pagination_class=None, filter_backends=[])
    def evidence(self, request: Request, pk: UUID) -> HttpResponse:
        """The canonical bytes exactly as they were sealed, whose SHA-256 is the digest.

        Hash the body as it arrives, before parsing it. 404 `evidence_not_sealed` until the job
        has ended.
        """
        evidence = sealed_evidence_of(pk)
        if evidence.sha256 in (versions_in(request, "If-None-Match") or ()):
            answer = HttpResponse(status=304)
        else:
            answer = HttpResponse(evidence.body.encode("utf-8"), content_type="application/json")
        answer.headers["X-Evidence-SHA256"] = evidence.sha256
        answer.headers["ETag"] = f'"{evidence.sha256}"'
        return answer

    @extend_schema(
        operation_id="follow_job",
        summary="Follow a job as it goes on",
        parameters=[LAST_EVENT_ID],
        responses={
            (200, MEDIA_TYPE): OpenApiResponse(
                OpenApiTypes.STR, "Events, each the next ledger entry.", examples=[SOME_EVENTS]
            ),
            204: OpenApiResponse(
                description="The contract has come to rest, and its last entry is the one named."
            ),
        },
    )
    @action(
        detail=True,
        methods=["get"],
        pagination_class=None,
        filter_backends=[],
        renderer_classes=[EventStreamRenderer],
    )
    def events(self, request: Request, pk: UUID) -> HttpResponseBase:
        """Server-sent events: the job's ledger entries, those that are there and each that follows.

        From the job's first entry to the one that ends its contract: the verdict's. An event's `id`
        is the entry's `seq`, `event` its event, `data` the entry as JSON. The stream also ends
        after a while, and when its token is no longer good: ask again with `Last-Event-ID`, and
        nothing is lost or told twice. Refused with 400 `invalid_header` for an id that was never
        given out, and with 503 `too_many_streams` when every place is taken.
        """
        return follow_job(self, self.get_object())

    # --- execute ---
    @extend_schema(
        operation_id="claim_job",
        summary="Claim the oldest pending job",
        request=Nothing,
        responses={200: StartedJobSerializer, 204: OpenApiResponse(description="No job waits.")},
    )
    @action(detail=False, methods=["post"], pagination_class=None, filter_backends=[])
    @sent_again_safely()
    def claim(self, request: Request) -> Response:
        """Takes the oldest PENDING job and starts it; two executors never get the same one.

        A token that is bound to capabilities gets the oldest of those within its reach.

        The job holds a lease until `lease_expires_at`: report the step that is due by then. While
        a founder has stopped the line, 409 `line_frozen`, whether or not a job waits; `details`
        say `until` when and for what `reason`.
        """
        self.read_body(Nothing)
        claimed = run_job.claim_job(executor=request.user, at=self.now(), capabilities=self.reach)
        return self._started(*claimed) if claimed else Response(status=204)

    @extend_schema(
        operation_id="start_job",
        summary="Start a job",
        request=Nothing,
        responses=StartedJobSerializer,
    )
    @action(detail=True, methods=["post"], pagination_class=None, filter_backends=[])
    @sent_again_safely("job")
    def start(self, request: Request, pk: UUID) -> Response:
        """PENDING → RUNNING; the answer holds the execution token that every report must carry.

        The job holds a lease until `lease_expires_at`: report the step that is due by then.
        Refused with 409 `line_frozen` while a founder has stopped the line.
        """
        self.read_body(Nothing)
        return self._started(*run_job.start_job(job_id=pk, executor=request.user, at=self.now()))

    @extend_schema(
        operation_id="report_step",
        summary="Report a step",
        request=PolymorphicProxySerializer(
            component_name="ReportOrReports",
            serializers=[Report, Reports],
            resource_type_field_name=None,
        ),
        responses={201: RECORDED, 200: OpenApiResponse(RECORDED, "Nothing new: nothing changed.")},
    )
    @action(detail=True, methods=["post"], pagination_class=None, filter_backends=[])
    @sent_again_safely("job")
    def results(self, request: Request, pk: UUID) -> Response:
        """Keeps what happened to the step that is due; sending it again is safe.

        Several steps in a row go as `results`, up to 200 in order: all are kept, or none is.

        It renews the lease: `lease_expires_at` says until when the next report is taken. Refused
        with 409: `step_out_of_order`, `result_conflict` (another report for a step that has one),
        `stale_execution` (an old token), `lease_lapsed` (too late: drop the work),
        `invalid_job_transition` (not started), `job_immutable` (ended). A job that somebody else
        started is not there: 404 `job_not_found`.
        """
        who_and_when: dict[str, Any] = {"job_id": pk, "executor": request.user, "at": self.now()}
        if isinstance(request.data, dict) and "results" in request.data:
            kept = run_job.record_step_results(**who_and_when, **self.read_body(Reports))
            results = [result for result, _ in kept]
            answer = shown(RecordedResultsSerializer, {"results": results, "job": results[-1].job})
        else:
            kept = [run_job.record_step_result(**who_and_when, **self.read_body(Report))]
            answer = shown(RecordedResultSerializer, kept[0][0])
        return Response(answer, status=201 if any(is_new for _, is_new in kept) else 200)

    @extend_schema(
        operation_id="complete_job",
        summary="End a job as its results say",
        request=Completion,
        responses=JobSerializer,
    )
    @action(detail=True, methods=["post"], pagination_class=None, filter_backends=[])
    @sent_again_safely("job")
    def complete(self, request: Request, pk: UUID) -> Response:
        """COMPLETED when every step did, FAILED when one failed; the evidence is sealed.

        Refused with 409: `steps_outstanding` while steps are unreported and none has failed,
        `stale_execution`, `lease_lapsed`, `job_immutable`; with 404 `job_not_found` when somebody
        else started it.
        """
        token = self.read_body(Completion)["execution_token"]
        job = run_job.complete_job(job_id=pk, token=token, executor=request.user, at=self.now())
        return Response(shown(JobSerializer, job))

    @extend_schema(
        operation_id="cancel_job",
        summary="Cancel a job",
        request=Cancellation,
        responses=JobSerializer,
    )
    @action(detail=True, methods=["post"], pagination_class=None, filter_backends=[])
    @sent_again_safely("job")
    def cancel(self, request: Request, pk: UUID) -> Response:
        """Ends a PENDING or RUNNING job as CANCELLED, with a reason; the evidence is sealed."""
        job = run_job.cancel_job(
            job_id=pk, actor=request.user, at=self.now(), **self.read_body(Cancellation)
        )
        return Response(shown(JobSerializer, job))

    # --- judge ---
    @extend_schema(
        operation_id="record_verdict",
        summary="Give the verdict on a job",
        request=Verdict,
        responses={201: RecordedAuditSerializer},
    )
    @action(detail=True, methods=["post"], pagination_class=None, filter_backends=[])
    @sent_again_safely("job")
    def verdict(self, request: Request, pk: UUID) -> Response:
        """Once for each job, on exactly the evidence named, by someone who took no part in it.

        PASS completes the contract, FAIL fails it, INCONCLUSIVE leaves it ACTIVE for a person. A
        job that did not complete accepts only FAIL. Refused with 403 `auditor_not_independent`,
        404 `evidence_not_sealed`, 409 `evidence_mismatch`, `verdict_given`, `verdict_conflict`.
        """
        audit = audit_job.record_verdict(
            job_id=pk, author=request.user, at=self.now(), **self.read_body(Verdict)
        )
        return Response(shown(RecordedAuditSerializer, audit), status=201)

    @staticmethod
    def _started(job: GovernanceJob, token: str) -> Response:
        return Response(shown(JobSerializer, job) | {"execution_token": token})
