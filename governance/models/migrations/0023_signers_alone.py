"""Ask for the roles of the signers of a contract alone, and not of every account."""

from django.db import migrations

from governance.models.sql import InstallSql


class Migration(migrations.Migration):
    dependencies = [("governance", "0022_machine_audits")]

    operations = [InstallSql(["inactive_signers"])]
