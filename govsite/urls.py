from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("governance.api.urls")),
]

handler400 = "govsite.error_pages.unreadable_page"
handler500 = "govsite.error_pages.failed_page"
