"""Add the circuit breakers of handlers, and the guards of their openings and closings."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import governance.models.fields
from governance.models.sql import InstallSql


class Migration(migrations.Migration):
    dependencies = [("governance", "0009_open_capabilities")]

    operations = [
        migrations.CreateModel(
            name="HandlerBreaker",
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
                ("handler", models.CharField(max_length=200, unique=True)),
                ("state", governance.models.fields.ChoiceField(default="CLOSED")),
                ("faults_in_a_row", models.PositiveIntegerField(default=0)),
                (
                    "jobs_in_flight",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField(), default=list, size=None
                    ),
                ),
                ("last_fault", models.TextField(blank=True)),
                ("last_fault_at", models.DateTimeField(null=True)),
                ("last_fault_job", models.UUIDField(null=True)),
            ],
            options={
                "verbose_name": "circuit breaker",
                "verbose_name_plural": "circuit breakers",
                "ordering": ["handler"],
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["CLOSED", "CAREFUL", "OPEN"])),
                        name="breaker_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state__in", ["CAREFUL", "OPEN"]), _negated=True),
                            models.Q(
                                ("last_fault_at__isnull", False), ("last_fault_job__isnull", False)
                            ),
                            _connector="OR",
                        ),
                        name="breaker_has_fault",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="BreakerEvent",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("state", governance.models.fields.ChoiceField()),
                ("at", models.DateTimeField()),
                ("text", models.TextField()),
                ("fault_job", models.UUIDField(null=True)),
                (
                    "closed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "breaker",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="events",
                        to="governance.handlerbreaker",
                    ),
                ),
            ],
            options={
                "verbose_name": "breaker event",
                "ordering": ["-id"],
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state__in", ["CAREFUL"]), ("closed_by__isnull", False)),
                            models.Q(
                                models.Q(("state__in", ["CAREFUL"]), _negated=True),
                                ("closed_by", None),
                            ),
                            _connector="OR",
                        ),
                        name="breaker_closed_by_person",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("fault_job__isnull", False), ("state", "OPEN")),
                            models.Q(("state", "CAREFUL"), ("text__regex", "\\S.{9,}\\S")),
                            _connector="OR",
                        ),
                        name="breaker_event_has_reason",
                    ),
                ],
            },
        ),
        InstallSql(["breaker_moves", "breaker_events"]),
    ]
