"""Let health signals expire."""

from django.db import migrations, models

from governance.models.sql import InstallSql


class Migration(migrations.Migration):
    dependencies = [("governance", "0017_overlapping_job")]

    operations = [
        migrations.AddField("governancesignal", "expires_at", models.DateTimeField(null=True)),
        migrations.AddConstraint(
            "governancesignal",
            models.CheckConstraint(
                condition=models.Q(("expires_at", None))
                | models.Q(("expires_at__gt", models.F("recorded_at"))),
                name="signal_expires_later",
            ),
        ),
        InstallSql(["signal_history_kept"]),
    ]
