"""Let PostgreSQL look at the group of who decides, and link a contract to the one that it repeats."""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models

from governance.models.sql import InstallSql

# The membership of a group decides now, so a permission would promise what it does not give.
NEEDLESS_PERMISSIONS = ("review_contract", "resolve_audit")


def delete_needless_permissions(apps: Any, schema_editor: Any) -> None:
    permissions = apps.get_model("auth", "Permission").objects.using(schema_editor.connection.alias)
    permissions.filter(
        content_type__app_label="governance", codename__in=NEEDLESS_PERMISSIONS
    ).delete()


class Migration(migrations.Migration):
    dependencies = [("governance", "0006_secret_keys")]

    operations = [
        migrations.RunPython(delete_needless_permissions, migrations.RunPython.noop),
        migrations.AlterModelOptions(
            name="governanceaudit",
            options={
                "default_permissions": ("view",),
                "permissions": [("record_verdict", "Can give a verdict on a job")],
            },
        ),
        migrations.AlterModelOptions(
            name="systemcontract",
            options={
                "default_permissions": ("view",),
                "ordering": ["-created_at", "-id"],
                "permissions": [
                    ("import_contract", "Can propose contracts"),
                    ("activate_contract", "Can activate approved contracts"),
                ],
            },
        ),
        migrations.AddField(
            model_name="systemcontract",
            name="repeats",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="repetitions",
                to="governance.systemcontract",
            ),
        ),
        migrations.AddIndex(
            model_name="systemcontract",
            index=models.Index(
                condition=models.Q(("repeats__isnull", False)),
                fields=["repeats", "id"],
                name="contract_repetitions",
            ),
        ),
        InstallSql(
            [
                "has_role",
                "inactive_signers",
                "audit_independent",
                "change_freeze_active",
                "change_freeze_record",
                "contract_content_frozen",
                "contract_frozen_columns",
                "contract_needs_founder",
                "contract_repeats",
                "contract_review_clock",
                "signature_in_turn",
            ]
        ),
    ]
