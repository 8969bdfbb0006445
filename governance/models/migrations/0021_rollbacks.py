"""Link a rollback to the contract that it undoes, and put rollbacks first in the review queue."""

import django.db.models.deletion
from django.db import migrations, models

import governance.models.contract_indexes
import governance.models.fields
from governance.models.sql import InstallSql


class Migration(migrations.Migration):
    dependencies = [("governance", "0020_admit_run")]

    operations = [
        migrations.RemoveConstraint(
            model_name="notice",
            name="notice_kind_known",
        ),
        migrations.RemoveIndex(
            model_name="systemcontract",
            name="contract_queue",
        ),
        migrations.RemoveIndex(
            model_name="systemcontract",
            name="contract_queue_by_source",
        ),
        migrations.AddField(
            model_name="systemcontract",
            name="approval_kind",
            field=governance.models.fields.ChoiceField(db_default="signed", default="signed"),
        ),
        migrations.AddField(
            model_name="systemcontract",
            name="authorisation_sha256",
            field=models.CharField(max_length=64, null=True),
        ),
        migrations.AddField(
            model_name="systemcontract",
            name="rolls_back",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="rollbacks",
                to="governance.systemcontract",
            ),
        ),
        migrations.AddIndex(
            model_name="systemcontract",
            index=models.Index(
                governance.models.contract_indexes.ReviewRank(),
                governance.models.contract_indexes.ReviewEnd(),
                models.F("id"),
                condition=models.Q(("status", "ELIGIBLE")),
                name="contract_review_queue",
            ),
        ),
        migrations.AddIndex(
            model_name="systemcontract",
            index=models.Index(
                models.F("source"),
                governance.models.contract_indexes.ReviewRank(),
                governance.models.contract_indexes.ReviewEnd(),
                models.F("id"),
                condition=models.Q(("status", "ELIGIBLE")),
                name="contract_review_by_source",
            ),
        ),
        migrations.AddIndex(
            model_name="systemcontract",
            index=models.Index(
                condition=models.Q(("rolls_back__isnull", False)),
                fields=["rolls_back", "id"],
                name="contract_rollbacks",
            ),
        ),
        migrations.AddIndex(
            model_name="systemcontract",
            index=models.Index(
                condition=models.Q(("rolls_back__isnull", False)),
                fields=["-created_at", "-id"],
                name="contract_rollbacks_newest",
            ),
        ),
        migrations.AddConstraint(
            model_name="notice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        [
                            "job_failed",
                            "executor_lost",
                            "question_asked",
                            "question_answered",
                            "contract_expired",
                            "rollback_proposed",
                            "rollback_not_made",
                            "many_rollbacks",
                        ],
                    )
                ),
                name="notice_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="systemcontract",
            constraint=models.CheckConstraint(
                condition=models.Q(("approval_kind__in", ["signed", "pre_authorised"])),
                name="contract_approval_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="systemcontract",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    ("status__in", ["DRAFT", "VALIDATED", "ELIGIBLE", "APPROVED", "ACTIVE"])
                ),
                fields=("rolls_back",),
                name="contract_one_open_rollback",
            ),
        ),
        migrations.AddConstraint(
            model_name="systemcontract",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("approval_kind", "signed"), ("authorisation_sha256", None)),
                    models.Q(
                        ("approval_kind", "pre_authorised"),
                        ("approved_at__isnull", False),
                        ("authorisation_sha256__isnull", False),
                        ("rolls_back__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="contract_pre_authorised_is_rollback",
            ),
        ),
        migrations.AddField(
            "governancejob", "is_rollback", models.BooleanField(db_default=False, default=False)
        ),
        InstallSql(
            [
                "activate_contract",
                "job_runner",
                "contract_content_frozen",
                "contract_frozen_columns",
                "contract_risk_derived",
                "contract_rolls_back",
            ]
        ),
    ]
