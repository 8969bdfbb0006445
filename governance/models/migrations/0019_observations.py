"""Add what observers saw: of the scopes of a job, and last of each scope of another platform."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

import governance.models.fields
from governance.models.sql import InstallSql


def either_state_or_trouble(name: str) -> models.CheckConstraint:
    return models.CheckConstraint(
        condition=Q(state__isnull=False, trouble="") | Q(state=None) & ~Q(trouble=""), name=name
    )


class Migration(migrations.Migration):
    dependencies = [("governance", "0018_signals_expire")]

    operations = [
        migrations.CreateModel(
            name="ObservedState",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("scope", models.CharField(max_length=200, unique=True)),
                ("observer", models.CharField(max_length=100)),
                ("state", models.JSONField(null=True)),
                ("trouble", models.TextField(blank=True)),
                ("observed_at", models.DateTimeField()),
            ],
            options={
                "default_permissions": (),
                "constraints": [either_state_or_trouble("observed_state_or_trouble")],
            },
        ),
        migrations.CreateModel(
            name="Observation",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("phase", governance.models.fields.ChoiceField()),
                ("step_index", models.PositiveIntegerField(null=True)),
                ("scope", models.CharField(max_length=200)),
                ("observer", models.CharField(max_length=100)),
                ("state", models.JSONField(null=True)),
                ("trouble", models.TextField(blank=True)),
                ("observed_at", models.DateTimeField()),
                (
                    "job",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="observations",
                        to="governance.governancejob",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(phase__in=["BEFORE", "STEP", "AFTER"]),
                        name="observation_phase_known",
                    ),
                    either_state_or_trouble("observation_state_or_trouble"),
                    models.CheckConstraint(
                        condition=Q(phase="STEP", step_index__isnull=False)
                        | ~Q(phase="STEP") & Q(step_index=None),
                        name="observation_of_step_has_index",
                    ),
                    models.UniqueConstraint(
                        fields=["job", "phase", "step_index", "scope", "observer"],
                        name="observation_once_per_phase",
                        nulls_distinct=False,
                    ),
                ],
            },
        ),
        migrations.AddIndex(
            "governancesignal",
            models.Index(fields=["scope", "recorded_at"], name="signal_of_scope"),
        ),
        migrations.RunSQL(
            "DROP FUNCTION IF EXISTS governance_end_job(uuid, integer, uuid, text, bigint, text,"
            " timestamptz, text, timestamptz, jsonb, text, text, jsonb)",
            migrations.RunSQL.noop,
        ),
        InstallSql(["record_observations", "end_job", "observation_in_time", "remove_contracts"]),
    ]
