"""Let a claim name the types of steps that the executor can do."""

from django.db import migrations

from governance.models.sql import InstallSql

# Its successor has another argument, and so is another function.
DROP_FORMER = """
    DROP FUNCTION IF EXISTS
        governance_start_job(uuid, bigint, text, interval, interval, text, varchar[])
"""


class Migration(migrations.Migration):
    dependencies = [("governance", "0003_cheaper_checks")]

    operations = [
        migrations.RunSQL(DROP_FORMER, migrations.RunSQL.noop),
        InstallSql(["start_job"]),
    ]
