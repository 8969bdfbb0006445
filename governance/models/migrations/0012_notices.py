"""Add notices to people, which leave with their contracts."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import governance.models.fields
from governance.models.sql import InstallSql


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0011_machine_accounts"),
    ]

    operations = [
        migrations.CreateModel(
            name="Notice",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("kind", governance.models.fields.ChoiceField()),
                ("text", models.CharField(max_length=300)),
                ("created_at", models.DateTimeField()),
                ("read_at", models.DateTimeField(null=True)),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "contract",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notices",
                        to="governance.systemcontract",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "default_permissions": (),
                "indexes": [
                    models.Index(fields=["account", "id"], name="notice_of_account"),
                    models.Index(
                        condition=models.Q(("read_at", None)),
                        fields=["account", "id"],
                        name="notice_unread",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                [
                                    "job_failed",
                                    "executor_lost",
                                    "question_asked",
                                    "question_answered",
                                    "contract_expired",
                                ],
                            )
                        ),
                        name="notice_kind_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("text", ""), _negated=True),
                        name="notice_text_not_empty",
                    ),
                ],
            },
        ),
        InstallSql(["notify", "notice_read_once", "remove_contracts", "rows_left_of"]),
    ]
