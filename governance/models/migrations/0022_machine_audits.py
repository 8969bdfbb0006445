"""Let the site's own auditor judge: its account, its attempts and the version in its verdicts."""

import sys
from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import migrations, models
from django.db.models import Q

import governance.models.fields
from governance.domain.names import name_key
from governance.models.sql import InstallSql

AUDITOR = "auditor"


def make_auditor(apps: Any, schema_editor: Any) -> None:
    """Make the auditor's account, which a new database has already; see migration 0011."""
    accounts = apps.get_model("governance", "Account").objects.using(schema_editor.connection.alias)
    if accounts.filter(machine=AUDITOR).exists():
        return
    username = AUDITOR
    while accounts.filter(username_key=name_key(username)).exists():
        username = f"govsite-{username}"
    accounts.create(username=username, machine=AUDITOR, password=make_password(None))
    if username != AUDITOR:
        sys.stderr.write(f"\n  the user name {AUDITOR} is taken: that account is {username}")


class Migration(migrations.Migration):
    dependencies = [("governance", "0021_rollbacks")]

    operations = [
        migrations.RunPython(make_auditor, migrations.RunPython.noop),
        migrations.AddField(
            "governanceaudit",
            "auditor_version",
            models.CharField(blank=True, db_default="", default="", max_length=50),
        ),
        migrations.CreateModel(
            name="AuditAttempt",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("number", models.PositiveIntegerField()),
                ("verdict", governance.models.fields.ChoiceField()),
                ("reason", models.TextField()),
                ("checks", models.JSONField()),
                ("observations", models.JSONField(default=list)),
                ("health", models.JSONField(null=True)),
                ("evidence_sha256", models.CharField(max_length=64)),
                ("auditor_version", models.CharField(max_length=50)),
                ("attempted_at", models.DateTimeField()),
                (
                    "asked_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "job",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="audit_attempts",
                        to="governance.governancejob",
                    ),
                ),
            ],
            options={
                "ordering": ["number"],
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=["job", "number"], name="attempt_numbered_once"),
                    models.CheckConstraint(
                        condition=Q(verdict__in=["PASS", "FAIL", "INCONCLUSIVE"]),
                        name="attempt_verdict_given",
                    ),
                ],
            },
        ),
        migrations.RemoveConstraint("notice", "notice_kind_known"),
        migrations.AddConstraint(
            "notice",
            models.CheckConstraint(
                condition=Q(
                    kind__in=[
                        "job_failed",
                        "executor_lost",
                        "question_asked",
                        "question_answered",
                        "contract_expired",
                        "rollback_proposed",
                        "rollback_not_made",
                        "many_rollbacks",
                        "audit_failed",
                        "audit_inconclusive",
                    ]
                ),
                name="notice_kind_known",
            ),
        ),
        InstallSql(
            [
                "enqueue_audits",
                "remove_contracts",
                "audit_attempts",
                "audit_independent",
                "ledger_chain",
                "ledger_covers_update",
            ]
        ),
    ]
