"""Hold the verdict of a contract that is ELIGIBLE or later to saying MAY itself."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0028_platform_value_by_index"),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="systemcontract",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("status__in", ["ELIGIBLE", "APPROVED", "ACTIVE", "COMPLETED", "FAILED"]),
                        _negated=True,
                    ),
                    models.Q(
                        ("eligibility_verdict__contains", {"decision": "MAY"}),
                        ("eligibility_verdict__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="contract_eligible_verdict_says_may",
            ),
        ),
    ]
