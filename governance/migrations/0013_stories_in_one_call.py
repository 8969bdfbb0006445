"""Write each story of a job by one call."""

from django.db import migrations

from governance.models.laws import InstallLaws


class Migration(migrations.Migration):
    dependencies = [("governance", "0012_updated_at")]

    operations = [
        InstallLaws(
            [
                "hold_chain",
                "append_entries",
                "tell",
                "activate_contract",
                "claim_job",
                "start_job",
                "report_step",
                "record_step_results",
                "end_job",
                # The same laws, with fewer looks at the tables.
                "contract_moves",
                "contract_content_frozen",
                "contract_frozen_columns",
                "contract_has_one_job",
                "contract_verdict_backed",
                "job_moves",
                "job_steps_sealed",
                "job_ends_with_evidence",
                "step_results_in_order",
                "ledger_chain",
                "ledger_tells_all",
                "ledger_tells_update",
                "line_frozen",
            ]
        ),
    ]
