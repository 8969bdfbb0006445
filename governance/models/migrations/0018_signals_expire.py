"""Let health signals expire."""

from django.db import migrations, models

import governance.models.fields
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
        migrations.CreateModel(
            name="ActiveSignal",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("scope", models.CharField(max_length=200)),
                ("signal_type", models.CharField(max_length=100)),
                ("decision", governance.models.fields.ChoiceField()),
                ("reason", models.TextField()),
                ("recorded_by", governance.models.fields.account_key()),
                ("recorded_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "governance_activesignal",
                "managed": False,
                "default_permissions": (),
            },
        ),
        InstallSql(["active_signal", "signal_history_kept"]),
    ]
