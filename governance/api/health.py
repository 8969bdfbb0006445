"""`/health/`: read the platform's health."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api.errors import InvalidParameterError
from governance.api.fields import NOT_BLANK
from governance.api.serializers.health import HealthStateSerializer
from governance.api.sparse_fields import serialize
from governance.api.viewsets import GovernedViewSet
from governance.authorities.health.failures import recent_health_failures
from governance.authorities.health.readings import read_health
from governance.domain.health import UnknownHealth
from governance.domain.values import SYSTEM_SCOPE, HealthReading

MAX_SCOPE_LENGTH = 200
MAX_FAILURES = 20


class HealthViewSet(GovernedViewSet):
    """Read the platform's health, which an executor asks before each step."""

    action_permissions = {"show": "governance.view_systemcontract"}
    pagination_class = None
    filter_backends = ()
    parameters = frozenset({"scope"})

    def scope_asked(self, request: Request) -> list[str]:
        """Return the capability that the call names, or none.

        Raises:
            InvalidParameterError: it cannot be a name, or is outside the token's scope.
        """
        scope = request.query_params.get("scope")
        if scope is None:
            return []
        if "\x00" in scope or len(scope) > MAX_SCOPE_LENGTH:
            raise InvalidParameterError.at("scope", "is not the name of a capability")
        if self.token_scope is not None and scope not in self.token_scope:
            raise InvalidParameterError.at("scope", "is outside the scope of the token")
        return [scope]

    @extend_schema(
        operation_id="get_health",
        summary="Read the platform's health",
        parameters=[
            OpenApiParameter(
                "scope",
                {"type": "string", "pattern": NOT_BLANK, "maxLength": MAX_SCOPE_LENGTH},
                description="A capability whose health is wanted too.",
            )
        ],
        responses=HealthStateSerializer,
    )
    def show(self, request: Request) -> Response:
        """Return the health of the system, and of the capability that `scope` names.

        `signals` are the active signals and the health rules behind the decisions, with their
        reasons. `known` is false, and what was read is null, if the health could not be read: then
        nobody can tell, no step may begin, and `troubles` says why.
        """
        scopes = self.scope_asked(request)
        reading = read_health(scopes=scopes)
        failures = recent_health_failures([SYSTEM_SCOPE, *scopes])[:MAX_FAILURES]
        state: dict[str, Any] = {
            "known": isinstance(reading, HealthReading),
            "troubles": [],
            "recent_failures": [
                {"scope": one.scope or None, "reason": one.reason, "observed_at": one.observed_at}
                for one in failures
            ],
        }
        if isinstance(reading, UnknownHealth):
            state["troubles"] = [
                {"scope": one.scope or None, "reason": one.reason} for one in reading.troubles
            ]
        else:
            state |= {
                "observed_at": reading.observed_at,
                "system": reading.system,
                "capabilities": dict(reading.capabilities),
                "signals": list(reading.signals),
            }
        return Response(serialize(HealthStateSerializer, state))
