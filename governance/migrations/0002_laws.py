"""Install PostgreSQL's copy of the invariants."""

from django.db import migrations

from governance.models.laws import InstallLaws


class Migration(migrations.Migration):
    dependencies = [("governance", "0001_initial")]

    operations = [
        InstallLaws(
            [
                "refuse",
                "append_only",
                "audit_independent",
                "contract_content_frozen",
                "contract_has_one_job",
                "contract_moves",
                "contract_verdict_backed",
                "health_snapshot_in_time",
                "job_ends_with_evidence",
                "job_moves",
                "job_steps_sealed",
                "ledger_chain",
                "ledger_tells_all",
                "signal_history_kept",
                "step_results_in_order",
            ]
        )
    ]
