"""Let the registry follow completed steps; what is registered already becomes one import."""

from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import governance.models.fields
from governance.domain.canonical import digest
from governance.models.sql import InstallSql


def record_import(apps: Any, schema_editor: Any) -> None:
    """Record what was registered before as one import, and name it as the rows' origin."""
    using = schema_editor.connection.alias

    def rows_of(model: str) -> Any:
        return apps.get_model("governance", model).objects.using(using)

    present = [(row, row.name, "", row.lifecycle) for row in rows_of("Capability").order_by("id")]
    present += [
        (row, row.scope, row.key, row.value) for row in rows_of("ConfigurationEntry").order_by("id")
    ]
    if not present:
        return
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT governance_now()")
        [now] = cursor.fetchone()
    registry_import = rows_of("RegistryImport").create(
        id=governance.models.fields.new_id(),
        imported_at=now,
        documents_sha256=digest([[scope, key, value] for _, scope, key, value in present]),
    )
    changes = rows_of("RegistryChange").bulk_create(
        [
            apps.get_model("governance", "RegistryChange")(
                scope=scope,
                key=key,
                value=value,
                changed_at=now,
                registry_import=registry_import,
            )
            for _, scope, key, value in present
        ],
        batch_size=1000,
    )
    for (row, *_), change in zip(present, changes, strict=True):
        row.origin = change
        row.save(update_fields=["origin"])


def origin_key(**options: Any) -> models.ForeignKey:
    return models.ForeignKey(
        db_constraint=False,
        db_index=False,
        editable=False,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to="governance.registrychange",
        **options,
    )


class Migration(migrations.Migration):
    dependencies = [("governance", "0013_run_by")]

    operations = [
        migrations.CreateModel(
            name="RegistryImport",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=governance.models.fields.new_id,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("imported_at", models.DateTimeField()),
                ("documents_sha256", models.CharField(max_length=64)),
                ("transaction_id", models.BigIntegerField(default=0, editable=False)),
                (
                    "imported_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"default_permissions": ()},
        ),
        migrations.CreateModel(
            name="RegistryChange",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("scope", models.CharField(max_length=200)),
                ("key", models.CharField(blank=True, max_length=200)),
                ("value", models.JSONField()),
                ("changed_at", models.DateTimeField()),
                ("contract_id", models.UUIDField(null=True)),
                ("job_id", models.UUIDField(null=True)),
                ("step_index", models.PositiveIntegerField(null=True)),
                (
                    "registry_import",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="changes",
                        to="governance.registryimport",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "indexes": [
                    models.Index(fields=["scope", "key", "-id"], name="registry_change_newest")
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("contract_id__isnull", False),
                                ("job_id__isnull", False),
                                ("registry_import__isnull", True),
                                ("step_index__isnull", False),
                            ),
                            models.Q(
                                ("contract_id", None),
                                ("job_id", None),
                                ("registry_import__isnull", False),
                                ("step_index", None),
                            ),
                            _connector="OR",
                        ),
                        name="registry_change_one_origin",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RegistryValue",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("scope", models.CharField(max_length=200)),
                ("key", models.CharField(max_length=200)),
                ("value", models.JSONField(null=True)),
                ("changed_at", models.DateTimeField()),
                ("registry_import_id", models.UUIDField(null=True)),
                ("contract_id", models.UUIDField(null=True)),
                ("job_id", models.UUIDField(null=True)),
                ("step_index", models.PositiveIntegerField(null=True)),
                ("verification", governance.models.fields.ChoiceField()),
            ],
            options={
                "db_table": "governance_registryvalue",
                "managed": False,
                "default_permissions": (),
            },
        ),
        migrations.AddField("jobstep", "name_keys", models.JSONField(null=True)),
        migrations.AddField("capability", "origin", origin_key(null=True)),
        migrations.AddField("configurationentry", "origin", origin_key(null=True)),
        migrations.RunPython(record_import, migrations.RunPython.noop),
        migrations.AlterField("capability", "origin", origin_key()),
        migrations.AlterField("configurationentry", "origin", origin_key()),
        # A function with another list of arguments would stay beside the new one.
        migrations.RunSQL(
            "DROP FUNCTION IF EXISTS governance_activate_contract(uuid, integer, uuid, integer,"
            " bigint, text, timestamptz, jsonb, timestamptz, jsonb, text)",
            migrations.RunSQL.noop,
        ),
        InstallSql(
            [
                "activate_contract",
                "append_only",
                "values_set_by",
                "registry_value",
                "registry_follows",
            ]
        ),
    ]
