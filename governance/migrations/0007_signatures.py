"""Keep what each founder signed and what they saw, and let several have to sign.

Contracts that were approved before have no signatures and need none; the laws look at approvals as
they are given.
"""

from datetime import timedelta

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from governance.models.laws import InstallLaws


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0006_clarifications"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ApprovalSignature",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("signed_at", models.DateTimeField()),
                ("note", models.TextField(blank=True)),
                ("window_opens_at", models.DateTimeField()),
                ("window_closes_at", models.DateTimeField()),
                ("content_digest", models.CharField(max_length=64)),
                ("view_digest", models.CharField(max_length=64)),
                ("view", models.TextField()),
                ("shown", models.TextField()),
                ("quorum", models.PositiveIntegerField()),
                (
                    "contract",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="signatures",
                        to="governance.systemcontract",
                    ),
                ),
                (
                    "founder",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["number"],
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("contract", "number"), name="signature_numbered_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            window_closes_at__gt=models.F("window_opens_at"),
                            window_closes_at__gte=models.F("signed_at"),
                            window_closes_at__lte=models.F("window_opens_at")
                            + timedelta(hours=168),
                        ),
                        name="signature_window_in_bounds",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(quorum__gte=1), name="signature_quorum_in_bounds"
                    ),
                ],
            },
        ),
        InstallLaws(
            [
                "audit_independent",
                "ledger_chain",
                "ledger_tells_signature",
                "signature_append_only",
                "signature_in_turn",
            ]
        ),
    ]
