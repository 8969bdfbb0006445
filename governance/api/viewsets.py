"""What every resource of the API has in common."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from governance.api.fields import StrictForm
from governance.api.filters import Filter
from governance.api.pagination import KeysetPagination
from governance.api.problems import LengthRequired
from governance.api.shapes import Selection, Shape
from governance.vocabulary.errors import InvalidInputError, NotFoundError


class GovernedViewSet(GenericViewSet[Any]):
    """A resource: its actions name their permissions, and take what they know and nothing else."""

    action_permissions: ClassVar[Mapping[str, str]] = {}
    paged_actions: ClassVar[frozenset[str]] = frozenset({"list"})
    filters: ClassVar[Mapping[str, Filter]] = {}
    shapes: ClassVar[Mapping[str, Shape]] = {}
    noun: ClassVar[str]
    http_method_names = ["get", "head", "post"]
    lookup_value_converter = "uuid"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if "HTTP_TRANSFER_ENCODING" in request.META:
            raise LengthRequired
        self._refuse_unknown_parameters(request)

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        answer = super().finalize_response(request, response, *args, **kwargs)
        # Answers carry tokens, and a record is only worth reading as it is now.
        answer.headers.setdefault("Cache-Control", "no-store")
        return answer

    def get_object(self) -> Any:
        """The row that the address names, or NotFoundError in the domain's words."""
        found = self.get_queryset().filter(pk=self.kwargs["pk"]).first()
        if found is None:
            raise NotFoundError(
                f"There is no {self.noun} {self.kwargs['pk']}.", code=f"{self.noun}_not_found"
            )
        return found

    def read_body(self, form: type[StrictForm]) -> dict[str, Any]:
        """The body's fields, or a ValidationError that names every fault with its path."""
        filled = form(data=self.request.data)
        filled.is_valid(raise_exception=True)
        fields: dict[str, Any] = filled.validated_data
        return fields

    @cached_property
    def selection(self) -> Selection:
        """What the caller wants to see of this action's shape.

        Refused: a name that is not known (InvalidInputError), and without the permission to read
        it by itself what is expanded (PermissionDenied).
        """
        selection = self.shapes[self.action].select(self.request)
        for needed in selection.permissions:
            if not self.request.user.has_perm(needed):
                raise PermissionDenied(f"What is expanded needs the permission {needed}.")
        return selection

    def shown_page(self, rows: QuerySet[Any, Any]) -> Response:
        """The page of `rows` that was asked for, as the selection shows them, which read them."""
        page = self.paginate_queryset(rows) or []
        return self.get_paginated_response(self.selection.answers(page, self.request))

    def shown_object(self) -> dict[str, Any]:
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
