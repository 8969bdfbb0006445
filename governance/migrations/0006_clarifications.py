"""Let founders ask before they decide, stop the review's clock meanwhile, and let people comment."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from governance.models.contract import queue_rank, review_end
from governance.models.laws import InstallLaws

WAITING = models.Q(status="ELIGIBLE")

# Nobody has asked anything yet, so every review ends when it expires. An UPDATE would be refused for
# contracts that have ended, rightly; this one rewrites the column without touching a row's history.
FILL_REVIEW_ENDS_AT = """
    ALTER TABLE governance_systemcontract
        ALTER COLUMN review_ends_at TYPE timestamp with time zone USING expires_at;
"""


def user() -> models.ForeignKey:
    return models.ForeignKey(
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to=settings.AUTH_USER_MODEL,
    )


def number() -> models.BigAutoField:
    return models.BigAutoField(
        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
    )


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0005_search"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ClarificationRequest",
            fields=[
                ("id", number()),
                ("number", models.PositiveIntegerField()),
                ("question", models.TextField()),
                ("asked_at", models.DateTimeField()),
                ("asked_by", user()),
                (
                    "contract",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="clarifications",
                        to="governance.systemcontract",
                    ),
                ),
            ],
            options={
                "ordering": ["number"],
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=["contract", "number"], name="clarification_numbered_once"
                    ),
                    models.CheckConstraint(
                        condition=~models.Q(question=""), name="clarification_asks_something"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ClarificationAnswer",
            fields=[
                ("id", number()),
                ("answer", models.TextField()),
                ("answered_at", models.DateTimeField()),
                ("answered_by", user()),
                (
                    "request",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="answer",
                        to="governance.clarificationrequest",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(
                        condition=~models.Q(answer=""), name="clarification_answers_something"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ContractComment",
            fields=[
                ("id", number()),
                ("text", models.TextField()),
                ("at", models.DateTimeField()),
                ("by", user()),
                (
                    "contract",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="comments",
                        to="governance.systemcontract",
                    ),
                ),
            ],
            options={
                "ordering": ["at", "id"],
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(
                        condition=~models.Q(text=""), name="comment_says_something"
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="systemcontract",
            name="review_ends_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.RunSQL(FILL_REVIEW_ENDS_AT, reverse_sql=migrations.RunSQL.noop),
        migrations.RemoveIndex(model_name="systemcontract", name="contract_expiring"),
        migrations.AddIndex(
            model_name="systemcontract",
            index=models.Index(
                condition=models.Q(("status__in", ["DRAFT", "VALIDATED", "ELIGIBLE"])),
                fields=["review_ends_at"],
                name="contract_expiring",
            ),
        ),
        # The queue goes by when a review ends now.
        migrations.RemoveIndex(model_name="systemcontract", name="contract_queue"),
        migrations.RemoveIndex(model_name="systemcontract", name="contract_queue_by_source"),
        migrations.AddIndex(
            model_name="systemcontract",
            index=models.Index(
                queue_rank(), review_end(), models.F("id"), condition=WAITING, name="contract_queue"
            ),
        ),
        migrations.AddIndex(
            model_name="systemcontract",
            index=models.Index(
                models.F("source"),
                queue_rank(),
                review_end(),
                models.F("id"),
                condition=WAITING,
                name="contract_queue_by_source",
            ),
        ),
        InstallLaws(
            [
                "ledger_chain",
                "clarification_append_only",
                "contract_review_clock",
                "ledger_tells_clarification",
            ]
        ),
    ]
