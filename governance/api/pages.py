"""The pages that need no token: the API's index, and its documentation in Swagger UI and Redoc.

They are open to everyone because they show no data.
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
    """The API's index: the URLs of its resources and of its documentation."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        addresses = {
            "contracts": "api:contract-list",
            "jobs": "api:job-list",
            "freezes": "api:freezes",
            "health": "api:health",
            "registry": "api:registry-list",
            "schema": "api:schema",
            "docs": "api:docs",
            "redoc": "api:redoc",
        }
        return Response(
            {name: reverse(route, request=request) for name, route in addresses.items()}
        )


class SelfContainedPage:
    """A page whose content security policy allows only the site's own static files."""

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
    """The documentation in Swagger UI, which can also send requests."""

    url_name = "api:schema"


class RedocPage(SelfContainedPage, SpectacularRedocView):
    """The documentation in Redoc, whose search runs in a web worker made from a blob.

    Redoc's bundle requests a logo from its maker's host. The policy blocks that request, and the
    browser would log an error on every visit, so this view serves the bundle without that URL.
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
    """Return the sidecar's Redoc bundle with an empty image in place of the remote logo."""
    found = finders.find("drf_spectacular_sidecar/redoc/bundles/redoc.standalone.js")
    return Path(str(found)).read_bytes().replace(LOGO, EMPTY_IMAGE)
