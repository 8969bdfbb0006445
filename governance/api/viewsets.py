"""The base class of the API's viewsets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, cast
from uuid import UUID

from django.db.models import Q, QuerySet
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from governance.api.errors import InvalidParameterError, LengthRequiredError
from governance.api.fields import StrictSerializer
from governance.api.filters import Filter
from governance.api.pagination import KeysetPagination
from governance.api.permissions import require_permission
from governance.api.serializers.selectable import first_steps
from governance.api.sparse_fields import (
    AnySerializer,
    SparseFieldsSerializer,
    read_columns,
    selected_names,
    serializer_of,
)
from governance.domain.errors import ContractNotFoundError, JobNotFoundError, NotFoundError
from governance.models import Account
from governance.models.contract_indexes import within_token_scope


class GovernedViewSet(GenericViewSet[Any]):
    """A resource whose actions name their permissions and refuse unknown parameters.

    An object outside the token's scope does not exist for the caller: `filter_queryset` and
    `get_object` exclude it, and an action on its id returns 404 before anything else is checked.
    `contract_path` is the lookup prefix from a row to its contract, and `job_lookup` the lookup of
    a row's job by the row's id.
    """

    action_permissions: ClassVar[Mapping[str, str]] = {}
    paged_actions: ClassVar[frozenset[str]] = frozenset({"list"})
    filters: ClassVar[Mapping[str, Filter]] = {}
    # Query parameters of actions that are no lists.
    parameters: ClassVar[frozenset[str]] = frozenset()
    not_found_error: ClassVar[type[ContractNotFoundError | JobNotFoundError]]
    contract_path: ClassVar[str] = ""
    job_lookup: ClassVar[str] = "pk"
    # A row must meet one of these conditions; `DeclaredFilters` sets them, pagination reads them.
    branches: Sequence[Q] = (Q(),)
    http_method_names = ["get", "head", "post"]
    lookup_value_converter = "uuid"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if "pk" in kwargs and not self.ids_within_token_scope([kwargs["pk"]]):
            raise self.not_found()  # first, because another error would reveal the object
        if "HTTP_TRANSFER_ENCODING" in request.META:
            raise LengthRequiredError(
                "Send the body with a Content-Length; chunked bodies are not read."
            )
        self._refuse_unknown_parameters(request)
        if kind := self._shown_serializer():
            self.serializer = self._selected_serializer(kind)

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        answer = super().finalize_response(request, response, *args, **kwargs)
        # Responses can contain execution tokens, and a cached one would show an old state.
        answer.headers.setdefault("Cache-Control", "no-store")
        return answer

    def get_object(self) -> Any:
        """Return the row that the path names.

        Raises:
            NotFoundError: there is none within the token's scope.
        """
        return self._only_row(self.get_queryset())

    def is_still_allowed(self) -> bool:
        """Whether the request would still be accepted: its token, its permission and its row."""
        [authentication] = self.get_authenticators()
        try:
            caller = authentication.authenticate(self.request)
            if caller is None:
                return False
            self.request.user, self.request.auth = caller
            # Not our own check, which would count the request against the rate limit.
            super().check_permissions(self.request)
            self.get_object()
        except (APIException, NotFoundError):
            return False
        return True

    def not_found(self, pk: UUID | None = None) -> NotFoundError:
        """Build the 404 for `pk` or the id in the path: missing, or not in the token's scope."""
        return self.not_found_error(pk or self.kwargs["pk"])

    # --- the caller, whom the permission check has admitted, and the scope of the token ---
    @property
    def caller(self) -> Account:
        return cast("Account", self.request.user)

    @property
    def token_scope(self) -> list[str] | None:
        """The capabilities that the token is restricted to; None for an unrestricted token."""
        return getattr(self.request.auth, "capabilities", None)

    def within_token_scope(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.filter(within_token_scope(self.token_scope, of=self.contract_path))

    def ids_within_token_scope(self, ids: Iterable[UUID]) -> set[UUID]:
        """Return those of `ids` that exist within the token's scope.

        For an unrestricted token, return all of them without a query, existing or not.
        """
        if self.token_scope is None:
            return set(ids)
        rows = self.within_token_scope(self.get_queryset().filter(pk__in=list(ids)))
        return set(rows.values_list("pk", flat=True))

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return super().filter_queryset(self.within_token_scope(queryset))

    # --- the rate limit ---
    def check_permissions(self, request: Request) -> None:
        """Count the call before checking its permission, because a refused call costs time, too."""
        super().check_throttles(request)
        super().check_permissions(request)

    def check_throttles(self, request: Request) -> None:
        """Do nothing: `check_permissions` has counted the call already."""

    def read_body(self, body_serializer: type[StrictSerializer]) -> dict[str, Any]:
        """Validate the body and return its fields.

        Raises:
            ValidationError: it names each invalid field.
        """
        serializer = body_serializer(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        fields: dict[str, Any] = serializer.validated_data
        return fields

    def object_response(self) -> Response:
        """Return the row that the path names, with the selected fields.

        Raises:
            NotFoundError: there is none within the token's scope.
        """
        row = self._only_row(read_columns(self.get_queryset(), self.serializer))
        if "steps" in self.serializer.fields:
            row.first_steps = first_steps(self.request, **{self.job_lookup: row.pk})
        return Response(self.serializer.to_representation(row))

    def page_response(self, rows: QuerySet[Any], *order: str) -> Response:
        """Return the requested page of `rows` with the selected fields.

        Args:
            order: the columns by which the rows may be ordered, which a cursor needs.
        """
        page = self.paginate_queryset(read_columns(rows, self.serializer, *order)) or []
        return self.get_paginated_response(list(map(self.serializer.to_representation, page)))

    def _only_row(self, rows: QuerySet[Any]) -> Any:
        found = self.within_token_scope(rows).filter(pk=self.kwargs["pk"]).first()
        if found is None:
            raise self.not_found()
        return found

    def _refuse_unknown_parameters(self, request: Request) -> None:
        known = self._known_parameters()
        faults = []
        for name, values in request.query_params.lists():
            if name not in known:
                faults.append({"path": name, "message": "is not a known parameter"})
            elif len(values) > 1:
                faults.append({"path": name, "message": "must be given only once"})
            elif not values[0].strip():
                faults.append({"path": name, "message": "must not be empty"})
        if faults:
            first = faults[0]
            raise InvalidParameterError(f"{first['path']}: {first['message']}.", errors=faults)

    def _known_parameters(self) -> set[str]:
        known = set(self.parameters)
        if self.action in self.paged_actions and isinstance(self.paginator, KeysetPagination):
            known.update(p["name"] for p in self.paginator.get_schema_operation_parameters(self))
        if self.action == "list":
            known.update(self.filters)
        if kind := self._shown_serializer():
            known.update({"fields", "expand"} if kind.expansions else {"fields"})
        return known

    def _shown_serializer(self) -> type[SparseFieldsSerializer] | None:
        return getattr(getattr(self, self.action), "shows", None)

    def _selected_serializer(self, kind: type[SparseFieldsSerializer]) -> AnySerializer:
        """Return the serializer of the fields that the caller selected by `fields` and `expand`.

        Raises:
            InvalidParameterError: a parameter names an unknown field.
            PermissionDenied: the caller may not read what `expand` names.
        """
        names = selected_names(kind, self.request)
        for name in names:
            if needed := kind.expansions.get(name):
                require_permission(self.request, needed)
        return serializer_of(kind, names)
