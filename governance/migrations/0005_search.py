"""Index the review queue, its search, and what the home page counts."""

import django.contrib.postgres.indexes
from django.db import migrations, models

from governance.models.contract import contract_words
from governance.models.laws import InstallLaws

WAITING = models.Q(status="ELIGIBLE")


def risk_rank() -> models.Case:
    """0 for the highest risk, counting up."""
    risks = ("critical", "high", "medium", "low")
    ranks = (models.When(risk_level=risk, then=models.Value(n)) for n, risk in enumerate(risks))
    return models.Case(*ranks, default=models.Value(4), output_field=models.IntegerField())


class Migration(migrations.Migration):
    dependencies = [("governance", "0004_freeze")]

    operations = [
        # The function that the search's index calls.
        InstallLaws(["contract_words"]),
        migrations.AddIndex(
            model_name="systemcontract",
            index=models.Index(
                risk_rank(),
                models.F("expires_at"),
                models.F("id"),
                condition=WAITING,
                name="contract_queue",
            ),
        ),
        migrations.AddIndex(
            model_name="systemcontract",
            index=models.Index(
                models.F("source"),
                risk_rank(),
                models.F("expires_at"),
                models.F("id"),
                condition=WAITING,
                name="contract_queue_by_source",
            ),
        ),
        migrations.AddIndex(
            model_name="systemcontract",
            index=django.contrib.postgres.indexes.GinIndex(
                contract_words(), condition=WAITING, name="contract_queue_words"
            ),
        ),
        migrations.AddIndex(
            model_name="systemcontract",
            index=models.Index(
                fields=["approved_at"],
                condition=models.Q(approved_at__isnull=False),
                name="contract_approved",
            ),
        ),
        migrations.AddIndex(
            model_name="systemcontract",
            index=models.Index(
                fields=["status", "closed_at"],
                condition=models.Q(closed_at__isnull=False),
                name="contract_closed",
            ),
        ),
        migrations.AddIndex(
            model_name="governancejob",
            index=models.Index(
                fields=["status", "ended_at"],
                condition=models.Q(ended_at__isnull=False),
                name="job_ended",
            ),
        ),
    ]
