from django.contrib import admin

from governance.admin.readonly import ReadOnlyAdmin
from governance.models import ApiToken


@admin.register(ApiToken)
class TokenAdmin(ReadOnlyAdmin):
    pass
