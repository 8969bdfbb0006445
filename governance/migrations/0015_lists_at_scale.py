"""Index what the lists ask, and drop the indexes that others make superfluous."""

import django.contrib.postgres.indexes
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from governance.models.contract import title_words
from governance.models.laws import InstallLaws


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0014_tombstones"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="systemcontract",
            name="contract_proposed_once",
        ),
        migrations.AlterField(
            model_name="approvalsignature",
            name="contract",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="signatures",
                to="governance.systemcontract",
            ),
        ),
        migrations.AlterField(
            model_name="governancejob",
            name="created_by",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="governancejob",
            name="ended_by",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="governancejob",
            name="started_by",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="healthsnapshot",
            name="job",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="snapshots",
                to="governance.governancejob",
            ),
        ),
        migrations.AlterField(
            model_name="jobstep",
            name="job",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="steps",
                to="governance.governancejob",
            ),
        ),
        migrations.AlterField(
            model_name="ledgerentry",
            name="contract",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="ledger_entries",
                to="governance.systemcontract",
            ),
        ),
        migrations.AlterField(
            model_name="stepresult",
            name="job",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="results",
                to="governance.governancejob",
            ),
        ),
        migrations.AlterField(
            model_name="stepresult",
            name="recorded_by",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="systemcontract",
            name="approved_by",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="systemcontract",
            name="closed_by",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="systemcontract",
            name="proposed_by",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddIndex(
            model_name="governancejob",
            index=models.Index(fields=["created_by", "-created_at", "-id"], name="job_created_by"),
        ),
        migrations.AddIndex(
            model_name="governancejob",
            index=models.Index(
                condition=models.Q(("started_by__isnull", False)),
                fields=["started_by", "-created_at", "-id"],
                name="job_started_by",
            ),
        ),
        migrations.AddIndex(
            model_name="governancejob",
            index=models.Index(
                condition=models.Q(("ended_by__isnull", False)),
                fields=["ended_by", "-created_at", "-id"],
                name="job_ended_by",
            ),
        ),
        InstallLaws(["title_words"]),
        migrations.AddIndex(
            model_name="systemcontract",
            index=django.contrib.postgres.indexes.GinIndex(
                title_words(), name="contract_title_words"
            ),
        ),
        migrations.AddIndex(
            model_name="systemcontract",
            index=models.Index(
                fields=["proposed_by", "-created_at", "-id"], name="contract_proposed_by"
            ),
        ),
        migrations.AddIndex(
            model_name="systemcontract",
            index=models.Index(
                condition=models.Q(("approved_by__isnull", False)),
                fields=["approved_by", "-created_at", "-id"],
                name="contract_approved_by",
            ),
        ),
        migrations.AddIndex(
            model_name="systemcontract",
            index=models.Index(
                condition=models.Q(("closed_by__isnull", False)),
                fields=["closed_by", "-created_at", "-id"],
                name="contract_closed_by",
            ),
        ),
        migrations.AddIndex(
            model_name="systemcontract",
            index=models.Index(
                condition=models.Q(("status", "ACTIVE")),
                fields=["audit_verdict", "-created_at", "-id"],
                name="contract_unjudged",
            ),
        ),
        migrations.AddConstraint(
            model_name="systemcontract",
            constraint=models.UniqueConstraint(
                fields=("reference", "proposal_digest"),
                name="contract_proposed_once",
                opclasses=["varchar_pattern_ops", "varchar_pattern_ops"],
            ),
        ),
        # What the planner knows of an index' expression, it knows by this.
        migrations.RunSQL("ANALYZE governance_systemcontract", migrations.RunSQL.noop),
    ]
