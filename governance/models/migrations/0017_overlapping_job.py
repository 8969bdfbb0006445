"""Find a job on an overlapping scope by an index, however many jobs run."""

from django.db import migrations

from governance.models.sql import InstallSql


class Migration(migrations.Migration):
    dependencies = [("governance", "0016_activates_itself")]

    operations = [InstallSql(["running_scopes", "start_job"])]
