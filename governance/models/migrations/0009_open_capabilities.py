"""Index the capabilities of open contracts, for the contracts beside one in review."""

import django.contrib.postgres.indexes
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("governance", "0008_names")]

    operations = [
        migrations.AddIndex(
            model_name="systemcontract",
            index=django.contrib.postgres.indexes.GinIndex(
                condition=models.Q(
                    ("status__in", ["DRAFT", "VALIDATED", "ELIGIBLE", "APPROVED", "ACTIVE"])
                ),
                fields=["affected_capabilities"],
                name="contract_open_capabilities",
            ),
        ),
    ]
