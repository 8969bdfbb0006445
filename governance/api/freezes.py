"""`/freezes/`: read whether a change freeze is active."""

from __future__ import annotations

from dataclasses import asdict

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api.serializers.freezes import FreezeStateSerializer
from governance.api.sparse_fields import serialize
from governance.api.viewsets import GovernedViewSet
from governance.services.freezes.queries import active_freeze


class FreezeViewSet(GovernedViewSet):
    """Read the change freeze; founders start and lift freezes in the admin or by a command."""

    action_permissions = {"show": "governance.view_systemcontract"}
    pagination_class = None
    filter_backends = ()

    @extend_schema(
        operation_id="get_freeze_state",
        summary="Read the change freeze",
        responses=FreezeStateSerializer,
    )
    def show(self, request: Request) -> Response:
        """Return whether a change freeze is active.

        If `frozen` is true, `until`, `reason`, `by` and `since` are those of the active freeze
        that ends last; otherwise they are null. During a freeze, activating a contract and
        claiming or starting a job return 409 `change_freeze_active`. Running jobs continue: their
        reports, completions and verdicts are accepted.
        """
        freeze = active_freeze()
        freeze_state = {"frozen": freeze is not None} | (asdict(freeze) if freeze else {})
        return Response(serialize(FreezeStateSerializer, freeze_state))
