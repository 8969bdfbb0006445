"""Let founders stop the line, and let PostgreSQL hold everybody to it."""

from datetime import timedelta

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import governance.models.fields
from governance.models.laws import InstallLaws


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0003_leases"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="LineFreeze",
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
                ("reason", models.TextField()),
                ("frozen_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                (
                    "frozen_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "freeze of the line",
                "verbose_name_plural": "freezes of the line",
                "ordering": ["-frozen_at", "-id"],
                "default_permissions": (),
                "indexes": [models.Index(fields=["ends_at"], name="line_freeze_end")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ends_at__gt=models.F("frozen_at"),
                            ends_at__lte=models.F("frozen_at") + timedelta(days=7),
                        ),
                        name="line_freeze_in_bounds",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(reason__regex="\\S"), name="line_freeze_has_reason"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LineThaw",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reason", models.TextField()),
                ("thawed_at", models.DateTimeField()),
                (
                    "freeze",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="thaw",
                        to="governance.linefreeze",
                    ),
                ),
                (
                    "thawed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "thaw of the line",
                "verbose_name_plural": "thaws of the line",
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(reason__regex="\\S"), name="line_thaw_has_reason"
                    )
                ],
            },
        ),
        InstallLaws(["line_frozen", "line_record"]),
    ]
