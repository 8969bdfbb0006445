"""Laws that say what they said, with fewer looks at what they judge."""

from django.db import migrations

from governance.models.laws import InstallLaws


class Migration(migrations.Migration):
    dependencies = [("governance", "0015_lists_at_scale")]

    operations = [
        InstallLaws(["contract_moves", "job_moves", "tell", "ledger_chain", "ledger_tells_update"])
    ]
