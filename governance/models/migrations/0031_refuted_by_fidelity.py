"""Call a value refuted only if the check of fidelity failed, or if a FAIL has no checks."""

from django.db import migrations

from governance.models.sql import InstallSql


class Migration(migrations.Migration):
    dependencies = [("governance", "0030_state_or_trouble")]

    operations = [InstallSql(["registry_value"])]
