"""Let founders authorise, with the signature, exactly the rollback of the plan."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from governance.models.sql import InstallSql


class Migration(migrations.Migration):
    dependencies = [("governance", "0025_observed_values")]

    operations = [
        migrations.AddField(
            model_name="approvalsignature",
            name="authorisation_sha256",
            field=models.CharField(max_length=64, null=True),
        ),
        migrations.CreateModel(
            name="RollbackAuthorisation",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("ends_at", models.DateTimeField()),
                ("body", models.TextField()),
                ("sha256", models.CharField(max_length=64, unique=True)),
                (
                    "contract",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="rollback_authorisations",
                        to="governance.systemcontract",
                    ),
                ),
                (
                    "founder",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "signature",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="rollback_authorisation",
                        to="governance.approvalsignature",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("body", ""), _negated=True),
                        name="rollback_authorisation_not_empty",
                    )
                ],
            },
        ),
        InstallSql(
            [
                "enqueue_runs",
                "inactive_signers",
                "remove_contracts",
                "require_pre_authorised",
                "audit_independent",
                "rollback_authorised",
                "signature_in_turn",
            ]
        ),
    ]
