"""The API's addresses; what leads nowhere answers with a problem document too."""

from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.routers import SimpleRouter

from governance.api.contracts import ContractViewSet
from governance.api.jobs import JobViewSet
from governance.api.line import LineViewSet
from governance.api.pages import BrowsablePage, Index, ReadingPage
from governance.api.problems import nothing_here

app_name = "api"

router = SimpleRouter(use_regex_path=False)
router.register("contracts", ContractViewSet, basename="contract")
router.register("jobs", JobViewSet, basename="job")

urlpatterns = [
    path("", Index.as_view(), name="index"),
    path("", include(router.urls)),
    path("line/", LineViewSet.as_view({"get": "show"}), name="line"),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("docs/", BrowsablePage.as_view(), name="docs"),
    path("redoc/", ReadingPage.as_view(), name="redoc"),
    re_path("", nothing_here),
]
