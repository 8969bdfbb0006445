"""Add notices of a window that passed unused, and of a handler that was stopped."""

from django.db import migrations, models

KINDS = [
    "job_failed",
    "executor_lost",
    "question_asked",
    "question_answered",
    "contract_expired",
    "window_passed",
    "breaker_opened",
    "rollback_proposed",
    "rollback_not_made",
    "many_rollbacks",
    "audit_failed",
    "audit_inconclusive",
]


class Migration(migrations.Migration):
    dependencies = [("governance", "0026_rollback_authorisations")]

    operations = [
        migrations.RemoveConstraint("notice", "notice_kind_known"),
        migrations.AddConstraint(
            "notice",
            models.CheckConstraint(
                condition=models.Q(("kind__in", KINDS)), name="notice_kind_known"
            ),
        ),
    ]
