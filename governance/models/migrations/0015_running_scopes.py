"""Let no two jobs run whose contracts affect the same capability."""

from django.db import migrations

from governance.models.sql import InstallSql


class Migration(migrations.Migration):
    dependencies = [("governance", "0014_registry_follows")]

    operations = [InstallSql(["running_scopes", "scope_busy", "start_job"])]
