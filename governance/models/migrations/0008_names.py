"""Keep names unlike each other, and take each reference once; rows that exist stay as they are."""

import sys
from typing import Any

import django.contrib.auth.validators
import django.db.models.deletion
from django.db import migrations, models

import governance.models.fields
from governance.domain.names import name_key
from governance.models.sql import InstallSql


def rows_of(apps: Any, schema_editor: Any, model: str) -> Any:
    return apps.get_model("governance", model).objects.using(schema_editor.connection.alias)


def take_references(apps: Any, schema_editor: Any) -> None:
    """Take the reference of each contract, the oldest first, and list those that are taken."""
    taken: dict[str, str] = {}
    rows = []
    references = rows_of(apps, schema_editor, "TakenReference")
    removed = rows_of(apps, schema_editor, "ContractTombstone").order_by("archived_at")
    contracts = rows_of(apps, schema_editor, "SystemContract").order_by("created_at", "id")
    for found in (
        removed.values_list("reference", "contract_id"),
        contracts.values_list("reference", "id"),
    ):
        for reference, contract_id in found:
            other = taken.setdefault(name_key(reference), f"{reference}, contract {contract_id}")
            if not other.endswith(str(contract_id)):
                say(f"the reference {reference} of the contract {contract_id}", other)
                continue
            rows.append(references.model(reference=reference, contract_id=contract_id))
    references.bulk_create(rows, batch_size=1000)


def find_similar_names(apps: Any, schema_editor: Any) -> None:
    """Fill the keys of registered names; a later similar one says which row its name looks like."""
    for model, scope, name in (
        ("Capability", "", "name"),
        ("ConfigurationEntry", "scope", "key"),
    ):
        firsts: dict[Any, Any] = {}
        for row in rows_of(apps, schema_editor, model).order_by("id"):
            key = (scope and getattr(row, scope), name_key(getattr(row, name)))
            first = firsts.setdefault(key, row)
            row.resembles = None if first is row else first
            row.save(update_fields=["name_key", "resembles"])
            if row.resembles:
                say(f"the registered name {getattr(row, name)}", getattr(first, name))


def compare_usernames(apps: Any, schema_editor: Any) -> None:
    """Fill the keys of the user names; a later one that looks like an older one has none."""
    firsts: dict[str, str] = {}
    for account in rows_of(apps, schema_editor, "Account").order_by("id"):
        other = firsts.setdefault(name_key(account.username), account.username)
        if other == account.username:
            account.username_key = name_key(account.username)
            account.save(update_fields=["username_key"])
        else:
            say(f"the user name {account.username}", other)


def say(what: str, other: str) -> None:
    sys.stderr.write(f"\n  {what} looks like {other}")


def similar_row_key(to: str) -> models.ForeignKey:
    return models.ForeignKey(
        db_constraint=False,
        db_index=False,
        editable=False,
        null=True,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to=to,
    )


def resembles_same_key(table: str, name: str, columns: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({columns}, resembles_id)"
        f" REFERENCES {table} ({columns}, id)",
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )


class Migration(migrations.Migration):
    dependencies = [("governance", "0007_who_decides")]

    operations = [
        migrations.CreateModel(
            name="TakenReference",
            fields=[
                (
                    "name_key",
                    governance.models.fields.NameKeyField(
                        editable=False,
                        max_length=512,
                        of="reference",
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("reference", models.CharField(max_length=256, unique=True)),
                ("contract_id", models.UUIDField(unique=True)),
            ],
            options={"default_permissions": ()},
        ),
        migrations.RemoveConstraint("systemcontract", "contract_revision_named_once"),
        migrations.AddField(
            "account",
            "username_key",
            models.CharField(editable=False, max_length=300, null=True),
        ),
        migrations.AlterField(
            "account",
            "username",
            models.CharField(
                error_messages={"unique": "A user with that username already exists."},
                help_text="Required. 150 characters or fewer. English letters, digits and @/./+/-/_ only.",
                max_length=150,
                unique=True,
                validators=[django.contrib.auth.validators.ASCIIUsernameValidator()],
            ),
        ),
        migrations.AddField(
            "capability",
            "name_key",
            governance.models.fields.NameKeyField(
                default="", editable=False, max_length=512, of="name"
            ),
            preserve_default=False,
        ),
        migrations.AddField("capability", "resembles", similar_row_key("governance.capability")),
        migrations.AddField(
            "configurationentry",
            "name_key",
            governance.models.fields.NameKeyField(
                default="", editable=False, max_length=512, of="key"
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            "configurationentry", "resembles", similar_row_key("governance.configurationentry")
        ),
        migrations.RunPython(take_references, migrations.RunPython.noop),
        migrations.RunPython(find_similar_names, migrations.RunPython.noop),
        migrations.RunPython(compare_usernames, migrations.RunPython.noop),
        migrations.AddConstraint(
            "account",
            models.UniqueConstraint(fields=("username_key",), name="username_unlike_others"),
        ),
        migrations.AddConstraint(
            "capability",
            models.UniqueConstraint(
                condition=models.Q(("resembles", None)),
                fields=("name_key",),
                name="capability_unlike_others",
            ),
        ),
        migrations.AddConstraint(
            "capability",
            models.UniqueConstraint(fields=("name_key", "id"), name="capability_with_its_key"),
        ),
        migrations.AddConstraint(
            "configurationentry",
            models.UniqueConstraint(
                condition=models.Q(("resembles", None)),
                fields=("scope", "name_key"),
                name="setting_unlike_others",
            ),
        ),
        migrations.AddConstraint(
            "configurationentry",
            models.UniqueConstraint(
                fields=("scope", "name_key", "id"), name="setting_with_its_key"
            ),
        ),
        resembles_same_key("governance_capability", "capability_resembles_same_key", "name_key"),
        resembles_same_key(
            "governance_configurationentry", "setting_resembles_same_key", "scope, name_key"
        ),
        migrations.RunSQL(
            [
                "DROP TRIGGER IF EXISTS removed_names_stay_reserved ON governance_systemcontract",
                "DROP FUNCTION IF EXISTS governance_removed_names_stay_reserved()",
            ],
            migrations.RunSQL.noop,
        ),
        InstallSql(
            ["append_only", "tombstones", "references_taken_once", "username_unlike_others"]
        ),
    ]
