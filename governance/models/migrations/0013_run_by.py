"""Say at the activation who runs a job, and enqueue the task of a job that runs by itself."""

from django.db import migrations, models

from governance.models.sql import InstallSql

# Its successor has another argument, and so is another function.
DROP_FORMER = """
    DROP FUNCTION IF EXISTS
        governance_activate_contract(uuid, integer, uuid, integer, bigint, text, timestamptz, jsonb,
                                     timestamptz, jsonb)
"""


class Migration(migrations.Migration):
    dependencies = [("governance", "0012_notices")]

    operations = [
        migrations.AddField(
            model_name="governancejob",
            name="run_by",
            field=models.CharField(db_default="client", default="client", max_length=10),
        ),
        migrations.AddConstraint(
            model_name="governancejob",
            constraint=models.CheckConstraint(
                condition=models.Q(("run_by__in", ["client", "worker"])), name="job_run_by_known"
            ),
        ),
        migrations.RemoveIndex(model_name="governancejob", name="job_claimable"),
        migrations.AddIndex(
            model_name="governancejob",
            index=models.Index(
                condition=models.Q(("run_by", "client"), ("status", "PENDING")),
                fields=["created_at", "id"],
                name="job_claimable",
            ),
        ),
        migrations.AddIndex(
            model_name="governancejob",
            index=models.Index(
                condition=models.Q(("run_by", "worker"), ("status", "PENDING")),
                fields=["created_at", "id"],
                name="job_waits_for_worker",
            ),
        ),
        migrations.RunSQL(DROP_FORMER, migrations.RunSQL.noop),
        InstallSql(["enqueue_runs", "activate_contract", "start_job", "job_runner"]),
    ]
