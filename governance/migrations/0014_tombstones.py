"""What stays of a contract that was archived and removed; and the laws that let it go."""

import django.db.models.deletion
from django.db import migrations, models

from governance.models.laws import InstallLaws


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0013_stories_in_one_call"),
    ]

    operations = [
        migrations.AlterField(
            model_name="systemcontract",
            name="parent",
            field=models.OneToOneField(
                db_constraint=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="successor",
                to="governance.systemcontract",
            ),
        ),
        migrations.CreateModel(
            name="ContractTombstone",
            fields=[
                ("contract_id", models.UUIDField(primary_key=True, serialize=False)),
                ("reference", models.CharField(max_length=256)),
                ("proposal_digest", models.CharField(max_length=64)),
                ("parent_id", models.UUIDField(null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("DRAFT", "DRAFT"),
                            ("VALIDATED", "VALIDATED"),
                            ("ELIGIBLE", "ELIGIBLE"),
                            ("APPROVED", "APPROVED"),
                            ("ACTIVE", "ACTIVE"),
                            ("COMPLETED", "COMPLETED"),
                            ("FAILED", "FAILED"),
                            ("REJECTED", "REJECTED"),
                            ("EXPIRED", "EXPIRED"),
                        ],
                        max_length=20,
                    ),
                ),
                ("entries", models.PositiveIntegerField()),
                ("head_sha256", models.CharField(max_length=64)),
                ("file_sha256", models.CharField(max_length=64)),
                ("archived_at", models.DateTimeField()),
                ("removed_at", models.DateTimeField()),
                ("removed_by", models.CharField(max_length=63)),
                ("transaction_id", models.BigIntegerField()),
            ],
            options={
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        condition=models.Q(("parent_id__isnull", False)),
                        fields=["parent_id"],
                        name="tombstone_of_successor",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("reference", "proposal_digest"), name="tombstone_of_one_proposal"
                    )
                ],
            },
        ),
        InstallLaws(["append_only", "tombstones", "remove_contracts"]),
    ]
