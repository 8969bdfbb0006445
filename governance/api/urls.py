"""The API's URLs; an unknown path returns a problem document, too."""

from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.routers import SimpleRouter

from governance.api.audits import AuditViewSet
from governance.api.contracts import ContractViewSet
from governance.api.freezes import FreezeViewSet
from governance.api.health import HealthViewSet
from governance.api.jobs import JobViewSet
from governance.api.pages import ApiIndex, RedocPage, SwaggerPage
from governance.api.problems import unknown_address
from governance.api.registry import RegistryViewSet

app_name = "api"

router = SimpleRouter(use_regex_path=False)
router.register("contracts", ContractViewSet, basename="contract")
router.register("jobs", JobViewSet, basename="job")
router.register("audits", AuditViewSet, basename="audit")
router.register("registry", RegistryViewSet, basename="registry")

urlpatterns = [
    path("", ApiIndex.as_view(), name="index"),
    path("", include(router.urls)),
    path("freezes/", FreezeViewSet.as_view({"get": "show"}), name="freezes"),
    path("health/", HealthViewSet.as_view({"get": "show"}), name="health"),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", SwaggerPage.as_view(), name="docs"),
    path("redoc/", RedocPage.as_view(), name="redoc"),
    re_path("", unknown_address),
]
