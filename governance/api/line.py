"""`/line/`: whether the line runs, or a founder has stopped it."""

from __future__ import annotations

from dataclasses import asdict

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api.serializers.line import LineSerializer
from governance.api.shown import shown
from governance.api.viewsets import GovernedViewSet
from governance.review.queries import freeze_in_force

RUNS = {"until": None, "reason": None, "by": None, "since": None}


class LineViewSet(GovernedViewSet):
    """Stopping the line is a person's act, in the admin or by a command; here it is only told."""

    noun = "line"
    action_permissions = {"show": "governance.view_systemcontract"}
    paged_actions = frozenset()
    pagination_class = None
    filter_backends = ()

    @extend_schema(
        operation_id="get_line", summary="Read whether the line runs", responses=LineSerializer
    )
    def show(self, request: Request) -> Response:
        """`frozen` while a founder has stopped the line: then `until`, `reason`, `by` and `since`
        are those of the freeze that lasts longest, and all of them null while it runs.

        As long as it is frozen, activating, claiming and starting answer 409 `line_frozen`. Jobs
        that run go on: their reports, completions and verdicts are taken.
        """
        freeze = freeze_in_force(self.now())
        line = {"frozen": freeze is not None} | (asdict(freeze) if freeze else RUNS)
        return Response(shown(LineSerializer, line))
