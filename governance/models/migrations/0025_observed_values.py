"""Show what was observed beside what is recorded."""

from django.db import migrations, models

from governance.models.sql import InstallSql


class Migration(migrations.Migration):
    dependencies = [("governance", "0024_health_failures")]

    operations = [
        migrations.CreateModel(
            name="PlatformValue",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "scope",
                        "key",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("scope", models.CharField(max_length=200)),
                ("key", models.CharField(max_length=200)),
                ("origin_id", models.BigIntegerField(null=True)),
                ("recorded", models.JSONField(null=True)),
                ("observed", models.JSONField(null=True)),
                ("observed_at", models.DateTimeField(null=True)),
                ("value", models.JSONField(null=True)),
            ],
            options={
                "db_table": "governance_platformvalue",
                "managed": False,
                "default_permissions": (),
            },
        ),
        migrations.AddField("registryvalue", "observed_value", models.JSONField(null=True)),
        migrations.AddField("registryvalue", "observed_at", models.DateTimeField(null=True)),
        InstallSql(["platform_value", "registry_value"]),
    ]
