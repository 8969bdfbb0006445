"""Let founders modify a contract's scope: another one takes its place, linked by `parent`."""

import django.db.models.deletion
from django.db import migrations, models

from governance.models.laws import InstallLaws


class Migration(migrations.Migration):
    dependencies = [("governance", "0007_signatures")]

    operations = [
        migrations.AddField(
            model_name="systemcontract",
            name="parent",
            field=models.OneToOneField(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="successor",
                to="governance.systemcontract",
            ),
        ),
        migrations.AddConstraint(
            model_name="systemcontract",
            constraint=models.UniqueConstraint(
                condition=models.Q(parent__isnull=False),
                fields=["reference"],
                name="contract_revision_named_once",
            ),
        ),
        InstallLaws(["contract_content_frozen", "contract_succession"]),
    ]
