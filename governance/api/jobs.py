"""`/jobs/`: read jobs; the calls that run them are in `job_execution.py`."""

from __future__ import annotations

from dataclasses import asdict
from uuid import UUID

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api import events as event_stream
from governance.api.conditions import conditional_response, versions_named_in
from governance.api.declared_errors import can_return
from governance.api.errors import InvalidHeaderError, TooManyStreamsError
from governance.api.filters import JOB_FILTERS
from governance.api.job_execution import JobExecution
from governance.api.pagination import IdPagination, StepIndexPagination
from governance.api.serializers.audits import JobAuditSerializer
from governance.api.serializers.jobs import EvidenceSerializer, ProgressSerializer, StepSerializer
from governance.api.serializers.observations import ObservationSerializer
from governance.api.serializers.selectable import JobInFullSerializer, JobInListSerializer
from governance.api.sparse_fields import selectable_fields, serialize
from governance.authorities.audit.queries import audit_record, audit_state_of
from governance.authorities.orchestrator import queries
from governance.domain import errors
from governance.models import GovernanceJob

EVIDENCE_DIGEST = OpenApiParameter(
    "X-Evidence-SHA256",
    str,
    OpenApiParameter.HEADER,
    response=[200],
    description="SHA-256 of the bytes of the body, in hexadecimal; `ETag` has the same value.",
)


class JobViewSet(JobExecution):
    """Read jobs, and run them."""

    not_found_error = errors.JobNotFoundError
    queryset = GovernanceJob.objects.all()
    contract_path = "contract__"
    action_permissions = {
        "list": "governance.view_governancejob",
        "retrieve": "governance.view_governancejob",
        "progress": "governance.view_governancejob",
        "steps": "governance.view_jobstep",
        "observations": "governance.view_governancejob",
        "evidence": "governance.view_auditevidence",
        "audit": "governance.view_governanceaudit",
        "events": "governance.view_ledgerentry",
        "claim": "governance.execute_job",
        "start": "governance.execute_job",
        "results": "governance.execute_job",
        "complete": "governance.execute_job",
        "cancel": "governance.cancel_job",
        "verdict": "governance.record_verdict",
    }
    paged_actions = frozenset({"list", "steps", "observations"})
    filters = JOB_FILTERS

    @selectable_fields("list_jobs", "List jobs", JobInListSerializer, many=True)
    def list(self, request: Request) -> Response:
        """Return jobs, newest first; filters narrow the list.

        To keep a copy up to date, use `ordering=updated_at` with `updated_after` one minute before
        the last `updated_at` that you have seen, because changes become visible when they commit.
        A verdict changes the contract's `updated_at`, not the job's.
        """
        rows = self.filter_queryset(self.get_queryset())
        return self.page_response(rows, "created_at", "updated_at")

    @selectable_fields("get_job", "Read a job", JobInFullSerializer)
    @can_return(errors.VersionMismatchError)
    def retrieve(self, request: Request, pk: UUID) -> HttpResponse:
        """Return one job, with the digest of its evidence and its verdict if they exist."""
        return conditional_response(request, "job", pk, self.object_response)

    @extend_schema(
        operation_id="list_steps", summary="Read a job's steps", responses=StepSerializer(many=True)
    )
    @action(detail=True, methods=["get"], pagination_class=StepIndexPagination, filter_backends=[])
    def steps(self, request: Request, pk: UUID) -> Response:
        """Return the steps of the plan in order, each with its status and its reported result."""
        job = self.get_object()
        steps = queries.steps_with_status(job, self.paginate_queryset(job.steps.all()))
        return self.get_paginated_response([serialize(StepSerializer, step) for step in steps])

    @extend_schema(
        operation_id="list_observations",
        summary="Read what was observed of a job",
        responses=ObservationSerializer(many=True),
    )
    @action(detail=True, methods=["get"], pagination_class=IdPagination, filter_backends=[])
    def observations(self, request: Request, pk: UUID) -> Response:
        """Return what the scopes of the job really held, as observers saw it, oldest first.

        A job has none if none of its scopes has an observer. The sealed evidence has them too.
        """
        rows = self.paginate_queryset(self.get_object().observations.all())
        return self.get_paginated_response(
            [serialize(ObservationSerializer, one) for one in rows or ()]
        )

    @extend_schema(
        operation_id="get_progress", summary="Read a job's progress", responses=ProgressSerializer
    )
    @action(detail=True, methods=["get"])
    def progress(self, request: Request, pk: UUID) -> Response:
        """Return the job's status and its counts of steps; one query, so it can be polled often."""
        return Response(serialize(ProgressSerializer, asdict(queries.job_progress(pk))))

    @extend_schema(
        operation_id="get_evidence",
        summary="Read a job's sealed evidence",
        parameters=[EVIDENCE_DIGEST],
        responses=EvidenceSerializer,
    )
    @can_return(errors.EvidenceNotSealedError)
    @action(detail=True, methods=["get"])
    def evidence(self, request: Request, pk: UUID) -> HttpResponse:
        """Return the evidence byte for byte as it was sealed: canonical JSON.

        `X-Evidence-SHA256` is the SHA-256 of these bytes. To check it, hash the body as received,
        before you parse it. The response is 404 `evidence_not_sealed` until the job has ended.
        """
        evidence = queries.sealed_evidence_of(pk)
        if evidence.sha256 in (versions_named_in(request, "If-None-Match") or ()):
            answer = HttpResponse(status=304)
        else:
            answer = HttpResponse(evidence.body.encode("utf-8"), content_type="application/json")
        answer.headers["X-Evidence-SHA256"] = evidence.sha256
        answer.headers["ETag"] = f'"{evidence.sha256}"'
        return answer

    @extend_schema(
        operation_id="get_audit", summary="Read a job's audit", responses=JobAuditSerializer
    )
    @can_return(errors.EvidenceNotSealedError)
    @action(detail=True, methods=["get"])
    def audit(self, request: Request, pk: UUID) -> Response:
        """Return the verdict with its checks, the attempts kept beside it, and the resolution.

        `verdict` is PENDING until there is one. The response is 404 `evidence_not_sealed` until the
        job has ended.
        """
        self.get_object()
        return Response(serialize(JobAuditSerializer, audit_record(audit_state_of(pk))))

    @extend_schema(
        operation_id="follow_job",
        summary="Follow a job by server-sent events",
        parameters=[event_stream.LAST_EVENT_ID],
        responses={
            (200, event_stream.MEDIA_TYPE): OpenApiResponse(
                OpenApiTypes.STR,
                "Events: one for each ledger entry.",
                examples=[event_stream.EVENTS_EXAMPLE],
            ),
            204: OpenApiResponse(
                description="The contract has ended, and `Last-Event-ID` is its last entry."
            ),
        },
    )
    @can_return(InvalidHeaderError, TooManyStreamsError)
    @action(detail=True, methods=["get"], renderer_classes=[event_stream.EventStreamRenderer])
    def events(self, request: Request, pk: UUID) -> HttpResponseBase:
        """Stream the job's ledger entries as server-sent events: the existing ones, then new ones.

        The stream begins with the job's first entry and ends with the entry that ends the
        contract. An event's `id` is the entry's `seq`, `event` is its event name, and `data` is
        the entry as JSON. The stream also ends after some minutes, and when its token is no
        longer valid: reconnect with `Last-Event-ID`, and no entry is lost or repeated. An id that
        was never sent returns 400 `invalid_header`; if the web process has no free stream, the
        response is 503 `too_many_streams`.
        """
        return event_stream.follow_job(self, self.get_object())
