"""What a curious person may read without a token: where things are, and how to use them.

Index, schema and browsable page are open to everyone: they show no data.
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView


class Index(APIView):
    """The addresses of the API's resources."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        addresses = {
            "contracts": "api:contract-list",
            "jobs": "api:job-list",
            "schema": "api:schema",
            "docs": "api:docs",
        }
        return Response(
            {name: reverse(route, request=request) for name, route in addresses.items()}
        )


class BrowsablePage(SpectacularSwaggerSplitView):
    """Swagger UI from our own static files; its page may load nothing from anywhere else."""

    url_name = "api:schema"

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        answer = super().finalize_response(request, response, *args, **kwargs)
        answer.headers["Content-Security-Policy"] = (
            "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
            "style-src 'self' 'unsafe-inline'; font-src 'self'; base-uri 'none'; "
            "form-action 'self'; frame-ancestors 'none'"
        )
        return answer
