"""`/registry/`: read the platform as it is recorded, and where each value came from."""

from __future__ import annotations

from typing import Any

from django.db.models import F, Q, QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api.filters import MAX_NAME_LENGTH, name_filter
from governance.api.pagination import KeysetPagination
from governance.api.serializers.registry import RegistryValueSerializer
from governance.api.sparse_fields import selectable_fields
from governance.api.viewsets import GovernedViewSet
from governance.models import RegistryValue


class NamePagination(KeysetPagination):
    """Pages ordered by scope and key."""

    def in_order(self, rows: QuerySet[Any], request: Request) -> QuerySet[Any]:
        return rows.order_by("scope", "key")

    def key_of(self, row: Any) -> list[Any]:
        return [row.scope, row.key]

    def rows_after(self, rows: QuerySet[Any], key: Any) -> QuerySet[Any]:
        scope, name = key
        if not (isinstance(scope, str) and isinstance(name, str)) or "\x00" in scope + name:
            raise ValueError
        return rows.filter(TupleGreaterThan(Tuple(F("scope"), F("key")), (scope, name)))


class RegistryViewSet(GovernedViewSet):
    """Read the registry of the platform."""

    action_permissions = {"list": "governance.view_configurationentry"}
    queryset = RegistryValue.objects.all()
    pagination_class = NamePagination
    filters = {
        "scope": name_filter(
            lambda scope: [Q(scope=scope)],
            example="GiftCards",
            max_length=MAX_NAME_LENGTH,
            description="The exact name of a capability, or `SYSTEM`.",
        )
    }

    def within_token_scope(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows if self.token_scope is None else rows.filter(scope__in=self.token_scope)

    @selectable_fields(
        "list_registry", "List the values of the registry", RegistryValueSerializer, many=True
    )
    def list(self, request: Request) -> Response:
        """Return the lifecycle of each capability and each configuration value, by name.

        A value changes with each COMPLETED step that sets it, in the same transaction, or with an
        import. `contract_id`, `job_id` and `step_index` name the step, `registry_import_id` the
        import; the others are null.
        """
        rows = self.filter_queryset(self.get_queryset())
        return self.page_response(rows, "scope", "key")
