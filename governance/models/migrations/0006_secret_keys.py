"""Add the keys of a capability whose values are secrets."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("governance", "0005_derived_risk")]

    operations = [
        migrations.AddField(
            model_name="capability",
            name="secret_keys",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=200), default=list, size=None
            ),
        ),
    ]
