"""`/jobs/`: read jobs, and track their execution from claim to verdict."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api.filters import JOB_FILTERS
from governance.api.forms import Cancellation, Completion, Nothing, Report, Verdict
from governance.api.pagination import ByStepIndex
from governance.api.serializers.jobs import (
    EvidenceSerializer,
    JobSerializer,
    ProgressSerializer,
    RecordedAuditSerializer,
    RecordedResultSerializer,
    StartedJobSerializer,
    StepSerializer,
)
from governance.api.serializers.reading import (
    JOB_IN_FULL,
    JOB_IN_LIST,
    JobInFullSerializer,
    JobInListSerializer,
)
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


class JobViewSet(GovernedViewSet):
    """A job is made by activating a contract, and by nothing else."""

    noun = "job"
    action_permissions = {
        "list": "governance.view_governancejob",
        "retrieve": "governance.view_governancejob",
        "progress": "governance.view_governancejob",
        "steps": "governance.view_jobstep",
        "evidence": "governance.view_auditevidence",
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
    def retrieve(self, request: Request, pk: UUID) -> Response:
        """One job, the digest of its evidence and its verdict where there are any."""
        return Response(self.shown_object())

    @extend_schema(
        operation_id="list_steps", summary="Read a job's steps", responses=StepSerializer(many=True)
    )
    @action(detail=True, methods=["get"], pagination_class=ByStepIndex, filter_backends=[])
    def steps(self, request: Request, pk: UUID) -> Response:
        """The plan in its order: each step, how it stands, and its result where there is one."""
        job = self.get_object()
        steps = steps_with_status(job, self.paginate_queryset(job.steps.all()))
        return self.get_paginated_response(StepSerializer(steps, many=True).data)

    @extend_schema(
        operation_id="get_progress", summary="Read a job's progress", responses=ProgressSerializer
    )
    @action(detail=True, methods=["get"], pagination_class=None, filter_backends=[])
    def progress(self, request: Request, pk: UUID) -> Response:
        """Where the job stands, in six numbers and words: cheap enough to ask often."""
        return Response(ProgressSerializer(asdict(job_progress(pk))).data)

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
        return HttpResponse(
            evidence.body.encode("utf-8"),
            content_type="application/json",
            headers={"X-Evidence-SHA256": evidence.sha256, "ETag": f'"{evidence.sha256}"'},
        )

    # --- execute ---
    @extend_schema(
        operation_id="claim_job",
        summary="Claim the oldest pending job",
        request=Nothing,
        responses={200: StartedJobSerializer, 204: OpenApiResponse(description="No job waits.")},
    )
    @action(detail=False, methods=["post"], pagination_class=None, filter_backends=[])
    def claim(self, request: Request) -> Response:
        """Takes the oldest PENDING job and starts it; two executors never get the same one.

        The job holds a lease until `lease_expires_at`: report the step that is due by then. While
        a founder has stopped the line, 409 `line_frozen`, whether or not a job waits; `details`
        say `until` when and for what `reason`.
        """
        self.read_body(Nothing)
        claimed = run_job.claim_job(executor=request.user, at=self.now())
        return self._started(*claimed) if claimed else Response(status=204)

    @extend_schema(
        operation_id="start_job",
        summary="Start a job",
        request=Nothing,
        responses=StartedJobSerializer,
    )
    @action(detail=True, methods=["post"], pagination_class=None, filter_backends=[])
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
        request=Report,
        responses={
            201: RecordedResultSerializer,
            200: OpenApiResponse(
                RecordedResultSerializer, "The same report again: nothing changed."
            ),
        },
    )
    @action(detail=True, methods=["post"], pagination_class=None, filter_backends=[])
    def results(self, request: Request, pk: UUID) -> Response:
        """Keeps what happened to the step that is due; sending it again is safe.

        It renews the lease: `lease_expires_at` says until when the next report is taken. Refused
        with 409: `step_out_of_order`, `result_conflict` (another report for a step that has one),
        `stale_execution` (an old token), `lease_lapsed` (too late: drop the work),
        `invalid_job_transition` (not started), `job_immutable` (ended).
        """
        result, is_new = run_job.record_step_result(
            job_id=pk, executor=request.user, at=self.now(), **self.read_body(Report)
        )
        return Response(RecordedResultSerializer(result).data, status=201 if is_new else 200)

    @extend_schema(
        operation_id="complete_job",
        summary="End a job as its results say",
        request=Completion,
        responses=JobSerializer,
    )
    @action(detail=True, methods=["post"], pagination_class=None, filter_backends=[])
    def complete(self, request: Request, pk: UUID) -> Response:
        """COMPLETED when every step did, FAILED when one failed; the evidence is sealed.

        Refused with 409: `steps_outstanding` while steps are unreported and none has failed,
        `stale_execution`, `lease_lapsed`, `job_immutable`.
        """
        token = self.read_body(Completion)["execution_token"]
        job = run_job.complete_job(job_id=pk, token=token, executor=request.user, at=self.now())
        return Response(JobSerializer(job).data)

    @extend_schema(
        operation_id="cancel_job",
        summary="Cancel a job",
        request=Cancellation,
        responses=JobSerializer,
    )
    @action(detail=True, methods=["post"], pagination_class=None, filter_backends=[])
    def cancel(self, request: Request, pk: UUID) -> Response:
        """Ends a PENDING or RUNNING job as CANCELLED, with a reason; the evidence is sealed."""
        job = run_job.cancel_job(
            job_id=pk, actor=request.user, at=self.now(), **self.read_body(Cancellation)
        )
        return Response(JobSerializer(job).data)

    # --- judge ---
    @extend_schema(
        operation_id="record_verdict",
        summary="Give the verdict on a job",
        request=Verdict,
        responses={201: RecordedAuditSerializer},
    )
    @action(detail=True, methods=["post"], pagination_class=None, filter_backends=[])
    def verdict(self, request: Request, pk: UUID) -> Response:
        """Once for each job, on exactly the evidence named, by someone who took no part in it.

        PASS completes the contract, FAIL fails it, INCONCLUSIVE leaves it ACTIVE for a person. A
        job that did not complete accepts only FAIL. Refused with 403 `auditor_not_independent`,
        404 `evidence_not_sealed`, 409 `evidence_mismatch`, `verdict_given`, `verdict_conflict`.
        """
        audit = audit_job.record_verdict(
            job_id=pk, author=request.user, at=self.now(), **self.read_body(Verdict)
        )
        return Response(RecordedAuditSerializer(audit).data, status=201)

    @staticmethod
    def _started(job: GovernanceJob, token: str) -> Response:
        shown = StartedJobSerializer(job, context={"execution_token": token})
        return Response(shown.data)
