"""Keep what calls were answered that may be sent again; write results by one call."""

from django.db import migrations, models

from governance.models.laws import InstallLaws


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0009_search_statistics"),
    ]

    operations = [
        migrations.CreateModel(
            name="IdempotencyRecord",
            fields=[
                ("key_sha256", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("request_sha256", models.CharField(max_length=64)),
                ("status", models.PositiveSmallIntegerField(null=True)),
                ("sealed_answer", models.BinaryField(null=True)),
                ("kept_at", models.DateTimeField()),
            ],
            options={
                "default_permissions": (),
                "indexes": [models.Index(fields=["kept_at"], name="idempotency_oldest")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("sealed_answer", None), ("status", None)),
                            models.Q(("sealed_answer__isnull", False), ("status__isnull", False)),
                            _connector="OR",
                        ),
                        name="idempotency_answered_whole",
                    )
                ],
            },
        ),
        InstallLaws(["record_step_results"]),
    ]
