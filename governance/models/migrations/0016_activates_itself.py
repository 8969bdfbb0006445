"""Let a founder allow, with the signature, that a contract is activated by itself."""

from django.db import migrations, models

from governance.models.sql import InstallSql


class Migration(migrations.Migration):
    dependencies = [("governance", "0015_running_scopes")]

    operations = [
        migrations.AddField(
            "approvalsignature",
            "activates_itself",
            models.BooleanField(db_default=False, default=False),
        ),
        InstallSql(["enqueue_runs"]),
    ]
