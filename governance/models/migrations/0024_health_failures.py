"""Record why the health of a scope could not be read."""

from django.db import migrations, models

from governance.models.sql import InstallSql


class Migration(migrations.Migration):
    dependencies = [("governance", "0023_signers_alone")]

    operations = [
        migrations.CreateModel(
            name="HealthFailure",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("scope", models.CharField(blank=True, max_length=200)),
                ("reason", models.CharField(max_length=300)),
                ("observed_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["-id"],
                "default_permissions": (),
                "indexes": [models.Index(fields=["observed_at"], name="health_failure_newest")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True),
                        name="health_failure_has_reason",
                    )
                ],
            },
        ),
        InstallSql(["append_only", "health_failure_append_only"]),
    ]
