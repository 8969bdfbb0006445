"""The site's URLs, and two empty calls with the same authentication and permissions."""

from __future__ import annotations

from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api.idempotency import idempotent
from governance.api.request_bodies import EmptySerializer
from governance.api.viewsets import GovernedViewSet
from govsite.urls import handler400, handler500
from govsite.urls import urlpatterns as _urlpatterns

__all__ = ["handler400", "handler500", "urlpatterns"]


class Empty(GovernedViewSet):
    """A view set whose actions do nothing themselves."""

    action_permissions = {
        "read": "governance.view_systemcontract",
        "write": "governance.activate_contract",
    }
    pagination_class = None
    filter_backends = ()

    def read(self, request: Request) -> Response:
        return Response({})

    @idempotent()
    def write(self, request: Request) -> Response:
        self.read_body(EmptySerializer)
        return Response({}, status=201)


urlpatterns = [
    path("api/v1/empty/", Empty.as_view({"get": "read", "post": "write"})),
    *_urlpatterns,
]
