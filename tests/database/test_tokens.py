"""The table of tokens in PostgreSQL: issued once, used, ended; and the upgrade to it."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from knox.crypto import hash_token
from rest_framework.test import APIClient

from governance.flows.tokens import revoke_token
from governance.models import ApiToken
from tests.support.attacks import refused_by, run_sql, update_row
from tests.support.cast import Cast
from tests.support.forgery import NOON
from tests.support.roles import app_session, as_owner
from tests.support.stories import now
from tests.support.tokens import made_token

TOKEN = "governance_apitoken"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("digest", "0" * 128),
        ("token_key", "0" * 15),
        ("user_id", "founder"),
        ("created", NOON),
        ("name", "Another"),
        ("verbs", None),
        ("verbs", ["execute_job", "cancel_job"]),
        ("capabilities", None),
        ("capabilities", ["Search", "SYSTEM"]),
        ("issued_by_id", "founder"),
        ("rotated_from_id", "itself"),
        ("expiry", None),
        ("expiry", "9999-01-01T00:00:00Z"),
    ],
)
def test_sql_update__what_a_token_is__refused(cast: Cast, column: str, value: Any) -> None:
    token, _ = made_token(cast.executor, verbs=["execute_job"], capabilities=["Search"])
    value = {"founder": cast.founder.pk, "itself": token.pk}.get(str(value), value)
    with refused_by("token_only_ends"):
        update_row(TOKEN, token.pk, **{column: value})


@pytest.mark.parametrize(
    ("column", "value"),
    [("revoked_at", None), ("revoked_at", NOON), ("revoked_by_id", 1), ("revoked_reason", "No.")],
)
def test_sql_update__revocation__final(cast: Cast, column: str, value: Any) -> None:
    token, _ = made_token(cast.executor)
    revoke_token(token_id=token.pk, actor=cast.founder, at=now())
    with refused_by("token_only_ends"):
        update_row(TOKEN, token.pk, **{column: value})


def test_sql_update__use_and_an_earlier_end__pass(cast: Cast) -> None:
    token, _ = made_token(cast.executor)
    update_row(TOKEN, token.pk, last_used_at=NOON, expiry=NOON)


@pytest.mark.parametrize("attack", ["DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_sql_delete__token__refused(cast: Cast, attack: str) -> None:
    made_token(cast.executor)
    with refused_by("token_never_removed"):
        run_sql(attack.format(TOKEN))


@pytest.mark.parametrize(
    ("law", "columns"),
    [
        ("token_may_something", {"verbs": []}),
        ("token_reaches_something", {"capabilities": []}),
        ("token_revoked_by_somebody", {"revoked_at": NOON}),
        ("token_revoked_by_somebody", {"revoked_reason": "It leaked."}),
    ],
)
def test_sql_insert__token_that_cannot_be__refused(
    cast: Cast, law: str, columns: dict[str, Any]
) -> None:
    with refused_by(law):
        made_token(cast.executor, **columns)


def test_sql_insert__hash_that_is_there__refused(cast: Cast) -> None:
    token, _ = made_token(cast.executor)
    with refused_by("token_digest_once"):
        ApiToken(user=cast.viewer, digest=token.digest, token_key="0" * 15).save(force_insert=True)


# --- a database of before ---
@pytest.fixture
def before(committed: Cast) -> Cast:
    """The database as it was with knox's table, and without ours."""
    knox_was_here()
    call_command("migrate", "governance", "0009", verbosity=0)
    return committed


def run_sql_as_owner(sql: str, *params: Any) -> list[Any]:
    with as_owner():
        return run_sql(sql, *params)


def knox_was_here() -> None:
    run_sql_as_owner(
        "INSERT INTO django_migrations (app, name, applied) VALUES ('knox', '0001_initial', now())"
    )


def there_is(table: str) -> bool:
    return run_sql("SELECT to_regclass(%s) IS NOT NULL", f"public.{table}") == [(True,)]


def test_upgrade__token_of_before__goes_on_and_its_old_table_goes(
    before: Cast, settings: Any
) -> None:
    settings.SECURE_SSL_REDIRECT = False
    text = "0123456789abcdef" * 4
    run_sql_as_owner(
        "INSERT INTO knox_authtoken (digest, token_key, user_id, created, expiry)"
        " VALUES (%s, %s, %s, %s, '9999-01-01T00:00:00Z')",
        *(hash_token(text), text[:15], before.viewer.pk, NOON),
    )
    call_command("migrate", verbosity=0)
    token = ApiToken.objects.get()
    assert (token.user, token.verbs, token.capabilities) == (before.viewer, None, None)
    assert not there_is("knox_authtoken")
    client = APIClient(headers={"Authorization": f"Bearer {text}"})
    assert client.get("/api/v1/jobs/").status_code == 200


def test_downgrade__gives_back_what_knox_can_hold_where_it_had_a_table(committed: Cast) -> None:
    wide, _ = made_token(committed.viewer)
    made_token(committed.viewer, verbs=["execute_job"])
    made_token(committed.viewer, capabilities=["Search"])
    revoked, _ = made_token(committed.viewer)
    revoke_token(token_id=revoked.pk, actor=committed.founder, at=now())
    knox_was_here()
    call_command("migrate", "governance", "0009", verbosity=0)
    assert not there_is("governance_apitoken")
    assert run_sql_as_owner("SELECT digest FROM knox_authtoken") == [(wide.digest,)]


def test_downgrade__of_a_new_database__makes_no_table_of_knoxs(committed: Cast) -> None:
    call_command("migrate", "governance", "0009", verbosity=0)
    assert not there_is("knox_authtoken")
    call_command("migrate", verbosity=0)
    assert there_is("governance_apitoken")


def test_role_of_the_application__cannot_widen_or_remove_a_token(committed: Cast) -> None:
    made_token(committed.viewer, verbs=["execute_job"])
    with app_session() as session:
        for attack in (
            f"UPDATE {TOKEN} SET verbs = NULL",
            f"UPDATE {TOKEN} SET user_id = 1",
            f"UPDATE {TOKEN} SET digest = ''",
            f"DELETE FROM {TOKEN}",
        ):
            with pytest.raises(Exception, match="permission denied"):
                session.execute(attack)
