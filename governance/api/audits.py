"""`/audits/`: read the verdicts on jobs."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api.filters import actor_filter, capability_filter, choice_filter, datetime_filter
from governance.api.pagination import IdPagination
from governance.api.serializers.audits import AuditInListSerializer
from governance.api.sparse_fields import serialize
from governance.api.viewsets import GovernedViewSet
from governance.domain.values import AuditVerdict, ContractStatus
from governance.models import GovernanceAudit


class NewestFirstPagination(IdPagination):
    """Pages of rows whose ids count up, newest first."""

    def in_order(self, rows: QuerySet[Any], request: Request) -> QuerySet[Any]:
        return rows.order_by("-id")

    def rows_after(self, rows: QuerySet[Any], key: Any) -> QuerySet[Any]:
        super().rows_after(rows, key)
        return rows.filter(id__lt=key[0])


class AuditViewSet(GovernedViewSet):
    """Read the verdicts on jobs."""

    action_permissions = {"list": "governance.view_governanceaudit"}
    queryset = GovernanceAudit.objects.select_related("job__contract", "author")
    contract_path = "job__contract__"
    pagination_class = NewestFirstPagination
    filters = {
        "verdict": choice_filter("verdict", AuditVerdict, "FAIL,INCONCLUSIVE", "This verdict."),
        "contract_status": choice_filter(
            "job__contract__status",
            ContractStatus,
            "ACTIVE",
            "Verdicts on jobs whose contract has this status.",
        ),
        "capability": capability_filter("job__contract__affected_capabilities"),
        "recorded_after": datetime_filter(
            "recorded_at__gte", description="Recorded at this time or later."
        ),
        "recorded_before": datetime_filter(
            "recorded_at__lt", description="Recorded before this time."
        ),
        "actor": actor_filter(
            "author", description="The username of the account that gave the verdict."
        ),
    }

    @extend_schema(
        operation_id="list_audits",
        summary="List verdicts",
        responses=AuditInListSerializer(many=True),
    )
    def list(self, request: Request) -> Response:
        """Return verdicts, newest first; filters narrow the list.

        `verdict=INCONCLUSIVE&contract_status=ACTIVE` are those that wait for a person. The checks
        are in the audit of the job.
        """
        rows = self.filter_queryset(self.get_queryset())
        page = self.paginate_queryset(rows) or []
        return self.get_paginated_response([serialize(AuditInListSerializer, one) for one in page])
