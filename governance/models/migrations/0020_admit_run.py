"""Admit a run to its handlers by one call, and enqueue what waits in the transaction of an end."""

from django.db import migrations

from governance.models.sql import InstallSql


class Migration(migrations.Migration):
    dependencies = [("governance", "0019_observations")]

    operations = [
        migrations.RunSQL(
            "DROP FUNCTION IF EXISTS governance_enqueue_next_runs(uuid)",
            migrations.RunSQL.noop,
        ),
        InstallSql(["admit_run", "enqueue_runs", "end_job"]),
    ]
