"""What every resource of the API has in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from governance.api.fields import StrictSerializer
from governance.api.filters import Filter
from governance.api.pagination import KeysetPagination
from governance.api.permissions import require_permission
from governance.api.problems import LengthRequired
from governance.api.shapes import Selection, Shape
from governance.domain.errors import InvalidInputError, NotFoundError
from governance.models.contract import within_token_scope


class GovernedViewSet(GenericViewSet[Any]):
    """A resource: its actions name their permissions, and take what they know and nothing else.

    What is not within the reach of the caller's token does not exist for it: `filter_queryset` and
    `get_object` leave it out, and an action on one thing does not begin. `contract_path` leads
    from a row to its contract.
    """

    action_permissions: ClassVar[Mapping[str, str]] = {}
    paged_actions: ClassVar[frozenset[str]] = frozenset({"list"})
    filters: ClassVar[Mapping[str, Filter]] = {}
    shapes: ClassVar[Mapping[str, Shape]] = {}
    noun: ClassVar[str]
    contract_path: ClassVar[str] = ""
    # What the filters leave, told in cases: api/filters.py says them, a page puts them together.
    branches: Sequence[Q] = ()
    http_method_names = ["get", "head", "post"]
    lookup_value_converter = "uuid"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if "pk" in kwargs and not self.ids_within_token_scope([kwargs["pk"]]):
            raise self.not_found()  # before anything else about the call is told
        if "HTTP_TRANSFER_ENCODING" in request.META:
            raise LengthRequired
        self._refuse_unknown_parameters(request)
        if self.action in self.shapes:
            self.selection  # noqa: B018 - refuses here, before a condition could answer 304

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        answer = super().finalize_response(request, response, *args, **kwargs)
        # Answers carry tokens, and a record is only worth reading as it is now.
        answer.headers.setdefault("Cache-Control", "no-store")
        return answer

    def get_object(self) -> Any:
        """The row that the address names, or NotFoundError in the domain's words."""
        found = self.within_token_scope(self.get_queryset()).filter(pk=self.kwargs["pk"]).first()
        if found is None:
            raise self.not_found()
        return found

    def is_still_allowed(self) -> bool:
        """Whether the same request would be let in again: its token, its user's rights, its row."""
        repeated_request = self.initialize_request(self.request._request, *self.args, **self.kwargs)
        try:
            self.perform_authentication(repeated_request)
            super().check_permissions(repeated_request)  # it is no new call that would count
            self.request = repeated_request
            self.get_object()
        except (APIException, NotFoundError):
            return False
        return True

    def not_found(self, pk: UUID | None = None) -> NotFoundError:
        """The refusal of `pk`, or of what the address names: not there, or not for this caller."""
        return NotFoundError(
            f"There is no {self.noun} {pk or self.kwargs['pk']}.", code=f"{self.noun}_not_found"
        )

    # --- what the caller's token reaches ---
    @property
    def token_scope(self) -> list[str] | None:
        """The capabilities that the token is bound to; None if it is bound to none."""
        return getattr(self.request.auth, "capabilities", None)

    def within_token_scope(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.filter(within_token_scope(self.token_scope, of=self.contract_path))

    def ids_within_token_scope(self, ids: Iterable[UUID]) -> set[UUID]:
        """Those of `ids` that may be told apart from things that are not there.

        One query, and none for a token that is bound to no capability: then all of them.
        """
        if self.token_scope is None:
            return set(ids)
        rows = self.within_token_scope(self.get_queryset().filter(pk__in=list(ids)))
        return set(rows.values_list("pk", flat=True))

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return super().filter_queryset(self.within_token_scope(queryset))

    # --- how often it may call ---
    def check_permissions(self, request: Request) -> None:
        """The call counts before it is looked at: a refusal costs us something, too."""
        super().check_throttles(request)
        super().check_permissions(request)

    def check_throttles(self, request: Request) -> None:
        """Done by then."""

    def read_body(self, body_serializer: type[StrictSerializer]) -> dict[str, Any]:
        """The body's fields, or a ValidationError that names every fault with its path."""
        serializer = body_serializer(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        fields: dict[str, Any] = serializer.validated_data
        return fields

    @cached_property
    def selection(self) -> Selection:
        """What the caller wants to see of this action's shape.

        Refused: a name that is not known (InvalidInputError), and without the permission to read
        it by itself what is expanded (PermissionDenied).
        """
        selection = self.shapes[self.action].select(self.request)
        for needed in selection.permissions:
            require_permission(self.request, needed)
        return selection

    def page_response(self, rows: QuerySet[Any, Any]) -> Response:
        """The page of `rows` that was asked for, as the selection shows them, which read them."""
        page = self.paginate_queryset(rows) or []
        return self.get_paginated_response(self.selection.answers(page, self.request))

    def object_data(self) -> dict[str, Any]:
        """The row that the address names, as the selection shows it, or NotFoundError."""
        [answer] = self.selection.answers([self.get_object()], self.request)
        return answer

    @staticmethod
    def now() -> datetime:
        """The time of this request, taken once here and handed down."""
        return timezone.now()

    def _refuse_unknown_parameters(self, request: Request) -> None:
        known = self._known_parameters()
        faults = []
        for name, values in request.query_params.lists():
            if name not in known:
                faults.append({"path": name, "message": "is not a known parameter"})
            elif len(values) > 1:
                faults.append({"path": name, "message": "stands here more than once"})
            elif not values[0].strip():
                faults.append({"path": name, "message": "must not be empty"})
        if faults:
            first = faults[0]
            raise InvalidInputError(
                f"{first['path']}: {first['message']}.", code="invalid_parameter", errors=faults
            )

    def _known_parameters(self) -> set[str]:
        known: set[str] = set()
        if self.action in self.paged_actions and isinstance(self.paginator, KeysetPagination):
            known.update(self.paginator.parameters)
        if self.action == "list":
            known.update(self.filters)
        if shape := self.shapes.get(self.action):
            known.update({"fields", "expand"} if shape.expansions else {"fields"})
        return known
