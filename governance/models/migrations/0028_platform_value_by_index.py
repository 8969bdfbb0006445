"""Let the view of the platform's values read few rows by their indexes."""

from django.db import migrations

from governance.models.sql import InstallSql


class Migration(migrations.Migration):
    dependencies = [("governance", "0027_more_notices")]

    operations = [InstallSql(["platform_value"])]
