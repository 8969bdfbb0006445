"""Install the checks of time and of change freezes that cost less."""

from django.db import migrations

from governance.models.sql import InstallSql


class Migration(migrations.Migration):
    dependencies = [("governance", "0002_triggers_and_functions")]

    operations = [InstallSql(["now", "active_freezes", "ledger_chain"])]
