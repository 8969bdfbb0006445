"""A claim asks whether the line runs in the same call."""

from django.db import migrations

from governance.models.laws import InstallLaws


class Migration(migrations.Migration):
    dependencies = [("governance", "0017_laws_weighed_less")]

    operations = [InstallLaws(["claim_job"])]
