"""The same laws, weighed only for what they are about."""

from django.db import migrations

from governance.models.laws import InstallLaws


class Migration(migrations.Migration):
    dependencies = [("governance", "0016_laws_with_fewer_looks")]

    operations = [
        InstallLaws(
            [
                "contract_succession",
                "job_ends_with_evidence",
                "ledger_tells_clarification",
                "ledger_tells_signature",
                "ledger_tells_update",
                "line_frozen",
                "signature_in_turn",
                "step_results_in_order",
            ]
        )
    ]
