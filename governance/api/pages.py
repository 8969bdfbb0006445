"""What a curious person may read without a token: where things are, and how to use them.

Index, schema and both pages of it are open to everyone: they show no data.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from django.contrib.staticfiles import finders
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularRedocView, SpectacularSwaggerSplitView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

LOGO = b"https://cdn.redoc.ly/redoc/logo-mini.svg"
EMPTY_IMAGE = b"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'/%3E"


class ApiIndex(APIView):
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
            "redoc": "api:redoc",
        }
        return Response(
            {name: reverse(route, request=request) for name, route in addresses.items()}
        )


class SelfContainedPage:
    """A page that loads our own static files, and nothing from anywhere else."""

    policy: ClassVar[dict[str, str]] = {
        "default-src": "'none'",
        "script-src": "'self'",
        "connect-src": "'self'",
        "img-src": "'self' data:",
        "style-src": "'self' 'unsafe-inline'",
        "font-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        answer: Response = super().finalize_response(request, response, *args, **kwargs)  # type: ignore[misc]
        answer.headers["Content-Security-Policy"] = "; ".join(
            f"{what} {where}" for what, where in self.policy.items()
        )
        return answer


class SwaggerPage(SelfContainedPage, SpectacularSwaggerSplitView):
    """Swagger UI: read a call, and try it."""

    url_name = "api:schema"


class RedocPage(SelfContainedPage, SpectacularRedocView):
    """Redoc: read it all from top to bottom. Its search runs in a worker that it makes itself.

    Redoc's bundle would ask its maker's host for a logo. The policy forbids that, and a browser
    would complain of it on every visit: so the page's script is the bundle without that address.
    """

    url_name = "api:schema"
    template_name = "api/redoc.html"
    policy = SelfContainedPage.policy | {"worker-src": "blob:"}

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if "script" in request.GET:
            return HttpResponse(
                redoc_script(),
                content_type="text/javascript; charset=utf-8",
                headers={"Cache-Control": "max-age=3600"},
            )
        answer: HttpResponseBase = super().get(request, *args, **kwargs)
        return answer


@cache
def redoc_script() -> bytes:
    """The sidecar's Redoc, with a picture of nothing in place of its maker's logo."""
    found = finders.find("drf_spectacular_sidecar/redoc/bundles/redoc.standalone.js")
    return Path(str(found)).read_bytes().replace(LOGO, EMPTY_IMAGE)
