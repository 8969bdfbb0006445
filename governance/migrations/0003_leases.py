"""Give running jobs a lease, and let PostgreSQL hold executors to it."""

from django.db import migrations, models

from governance.models.laws import InstallLaws
from governance.vocabulary.values import JobStatus

# Nobody promised the executors of jobs that run already to be quicker than their deadline.
LEASE_RUNNING_JOBS = """
    UPDATE governance_governancejob SET lease_expires_at = deadline_at WHERE status = 'RUNNING';
    -- A table with deferred checks outstanding cannot be altered.
    SET CONSTRAINTS ALL IMMEDIATE;
    SET CONSTRAINTS ALL DEFERRED;
"""


class Migration(migrations.Migration):
    dependencies = [("governance", "0002_laws")]

    operations = [
        migrations.AddField(
            model_name="governancejob",
            name="lease_expires_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.RunSQL(LEASE_RUNNING_JOBS, reverse_sql=migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="governancejob",
            constraint=models.CheckConstraint(
                condition=models.Q(status=JobStatus.RUNNING, lease_expires_at__isnull=False)
                | (~models.Q(status=JobStatus.RUNNING) & models.Q(lease_expires_at=None)),
                name="job_running_holds_lease",
            ),
        ),
        migrations.AddConstraint(
            model_name="governancejob",
            constraint=models.CheckConstraint(
                condition=models.Q(lease_expires_at__lte=models.F("deadline_at")),
                name="job_lease_in_deadline",
            ),
        ),
        migrations.RemoveIndex(model_name="governancejob", name="job_running_deadline"),
        migrations.AddIndex(
            model_name="governancejob",
            index=models.Index(
                fields=["lease_expires_at"],
                condition=models.Q(status=JobStatus.RUNNING),
                name="job_running_lease",
            ),
        ),
        InstallLaws(["job_moves", "step_results_in_order"]),
    ]
