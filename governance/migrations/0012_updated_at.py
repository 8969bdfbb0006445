"""Say of every contract and job when it last changed, and index what the lists go by."""

from django.db import migrations, models

from governance.models.laws import InstallLaws

# When a row last changed stands in its ledger. An UPDATE would be refused for what has ended,
# rightly; this rewrites the column without touching a row's history.
FILL_UPDATED_AT = """
    CREATE FUNCTION governance_last_told(subject uuid, kind text) RETURNS timestamptz
    LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
        SELECT max(at) FROM governance_ledgerentry
         WHERE contract_id = subject AND split_part(event, '.', 1) = kind
    $$;
    ALTER TABLE governance_systemcontract ALTER COLUMN updated_at TYPE timestamp with time zone
        USING coalesce(governance_last_told(id, 'contract'), created_at);
    ALTER TABLE governance_governancejob ALTER COLUMN updated_at TYPE timestamp with time zone
        USING coalesce(governance_last_told(contract_id, 'job'), created_at);
    DROP FUNCTION governance_last_told(uuid, text);
"""


class Migration(migrations.Migration):
    dependencies = [("governance", "0011_api_tokens")]

    operations = [
        migrations.AddField(
            model_name="systemcontract",
            name="updated_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="governancejob",
            name="updated_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.RunSQL(FILL_UPDATED_AT, reverse_sql=migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="systemcontract", name="updated_at", field=models.DateTimeField()
        ),
        migrations.AlterField(
            model_name="governancejob", name="updated_at", field=models.DateTimeField()
        ),
        migrations.AddIndex(
            model_name="systemcontract",
            index=models.Index(fields=["updated_at", "id", "created_at"], name="contract_updated"),
        ),
        migrations.RemoveIndex(model_name="systemcontract", name="contract_newest"),
        migrations.AddIndex(
            model_name="systemcontract",
            index=models.Index(
                fields=["-created_at", "-id", "-updated_at"], name="contract_newest"
            ),
        ),
        migrations.AddIndex(
            model_name="systemcontract",
            index=models.Index(
                fields=["status", "updated_at", "id"], name="contract_status_updated"
            ),
        ),
        migrations.AddIndex(
            model_name="systemcontract",
            index=models.Index(fields=["risk_level", "created_at", "id"], name="contract_by_risk"),
        ),
        migrations.AddIndex(
            model_name="systemcontract",
            index=models.Index(fields=["source", "created_at", "id"], name="contract_by_source"),
        ),
        migrations.AddIndex(
            model_name="governancejob",
            index=models.Index(fields=["updated_at", "id", "created_at"], name="job_updated"),
        ),
        migrations.RemoveIndex(model_name="governancejob", name="job_newest"),
        migrations.AddIndex(
            model_name="governancejob",
            index=models.Index(fields=["-created_at", "-id", "-updated_at"], name="job_newest"),
        ),
        migrations.AddIndex(
            model_name="governancejob",
            index=models.Index(fields=["status", "updated_at", "id"], name="job_status_updated"),
        ),
        InstallLaws(["ledger_tells_update"]),
    ]
