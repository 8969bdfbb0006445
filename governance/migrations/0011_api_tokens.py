"""Tokens of our own, in knox's place: narrowed to verbs and capabilities, rotated, revoked.

A database of before has knox's table. Its tokens go on working, as wide as they were, and the table
goes, so that no hash stands in two places of which only one can be revoked. On the way back knox
gets the tokens that its table can hold: those that are neither narrowed nor revoked.
"""

from typing import Any

import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import governance.models.fields
from governance.models.laws import InstallLaws

# As knox's own migrations leave it.
KNOXS_TABLE_SQL = (
    """CREATE TABLE knox_authtoken (
        digest varchar(128) NOT NULL PRIMARY KEY,
        created timestamp with time zone NOT NULL,
        user_id integer NOT NULL REFERENCES auth_user (id) DEFERRABLE INITIALLY DEFERRED,
        expiry timestamp with time zone,
        token_key varchar(25) NOT NULL
    )""",
    "CREATE INDEX ON knox_authtoken (user_id)",
    "CREATE INDEX ON knox_authtoken (token_key)",
)


def user(**options: Any) -> models.ForeignKey:
    return models.ForeignKey(
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to=settings.AUTH_USER_MODEL,
        **options,
    )


def keep_tokens(apps: Any, schema_editor: Any) -> None:
    """Copy what is in knox's table, if there is one, and drop it."""
    connection = schema_editor.connection
    token = apps.get_model("governance", "ApiToken")
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", ["public.knox_authtoken"])
        if cursor.fetchone() == (None,):
            return
        cursor.execute("SELECT digest, token_key, user_id, created, expiry FROM knox_authtoken")
        kept = [
            token(digest=digest, token_key=key, user_id=user_id, created=created, expiry=expiry)
            for digest, key, user_id, created, expiry in cursor.fetchall()
        ]
        token.objects.using(connection.alias).bulk_create(kept)
        cursor.execute("DROP TABLE knox_authtoken")


def give_tokens_back(apps: Any, schema_editor: Any) -> None:
    """Make knox's table again where its migrations say that there is one, with its tokens."""
    connection = schema_editor.connection
    token = apps.get_model("governance", "ApiToken")
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM django_migrations WHERE app = 'knox'")
        if not cursor.fetchall():
            return
        for statement in KNOXS_TABLE_SQL:
            cursor.execute(statement)
        kept = token.objects.using(connection.alias).filter(
            verbs=None, capabilities=None, revoked_at=None
        )
        cursor.executemany(
            "INSERT INTO knox_authtoken (digest, token_key, user_id, created, expiry)"
            " VALUES (%s, %s, %s, %s, %s)",
            list(kept.values_list("digest", "token_key", "user_id", "created", "expiry")),
        )


class Migration(migrations.Migration):
    dependencies = [
        ("governance", "0010_calls_sent_again"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ApiToken",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=governance.models.fields.new_id,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("digest", models.CharField(max_length=128)),
                ("token_key", models.CharField(db_index=True, max_length=25)),
                ("user", user()),
                ("created", models.DateTimeField(default=django.utils.timezone.now)),
                ("expiry", models.DateTimeField(blank=True, null=True)),
                ("name", models.CharField(blank=True, max_length=100)),
                (
                    "verbs",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=100), null=True, size=None
                    ),
                ),
                (
                    "capabilities",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200), null=True, size=None
                    ),
                ),
                ("issued_by", user(null=True)),
                (
                    "rotated_from",
                    models.OneToOneField(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="successor",
                        to="governance.apitoken",
                    ),
                ),
                ("last_used_at", models.DateTimeField(null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                ("revoked_by", user(null=True)),
                ("revoked_reason", models.TextField(blank=True)),
            ],
            options={
                "verbose_name": "API token",
                "ordering": ["-created", "-id"],
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=["digest"], name="token_digest_once"),
                    models.CheckConstraint(
                        condition=models.Q(verbs=None) | ~models.Q(verbs=[]),
                        name="token_may_something",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(capabilities=None) | ~models.Q(capabilities=[]),
                        name="token_reaches_something",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(revoked_at=None, revoked_by=None, revoked_reason="")
                        | models.Q(revoked_at__isnull=False, revoked_by__isnull=False),
                        name="token_revoked_by_somebody",
                    ),
                ],
            },
        ),
        InstallLaws(["token_only_ends"]),
        migrations.RunPython(keep_tokens, give_tokens_back),
    ]
