"""Keep the risk that a proposer asked for, and install the guards of the derived risk."""

from django.db import migrations, models

import governance.models.fields
from governance.models.sql import InstallSql


class Migration(migrations.Migration):
    dependencies = [("governance", "0004_claims_by_step_type")]

    operations = [
        migrations.AddField(
            model_name="systemcontract",
            name="risk_asked",
            field=governance.models.fields.ChoiceField(editable=False, null=True),
        ),
        migrations.AddConstraint(
            model_name="systemcontract",
            constraint=models.CheckConstraint(
                condition=models.Q(("risk_asked__in", ["critical", "high", "medium", "low"])),
                name="contract_risk_asked_known",
            ),
        ),
        InstallSql(["contract_content_frozen", "contract_frozen_columns", "contract_risk_derived"]),
    ]
