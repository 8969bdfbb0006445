"""The table of API tokens in PostgreSQL: each is issued once, used, and ended once."""

from __future__ import annotations

from typing import Any

import pytest

from governance.models import ApiToken
from governance.services.access.tokens import revoke_token
from tests.support.attacks import run_sql, update_row, violates_constraint
from tests.support.forgery import NOON
from tests.support.roles import app_session
from tests.support.tokens import made_token
from tests.support.users import Users

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
def test_sql_update__what_a_token_is__refused(users: Users, column: str, value: Any) -> None:
    token, _ = made_token(users.executor, verbs=["execute_job"], capabilities=["Search"])
    value = {"founder": users.founder.pk, "itself": token.pk}.get(str(value), value)
    with violates_constraint("token_grant_immutable"):
        update_row(TOKEN, token.pk, **{column: value})


@pytest.mark.parametrize(
    ("column", "value"),
    [("revoked_at", None), ("revoked_at", NOON), ("revoked_by_id", 1), ("revoked_reason", "No.")],
)
def test_sql_update__revocation__final(users: Users, column: str, value: Any) -> None:
    token, _ = made_token(users.executor)
    revoke_token(token_id=token.pk, actor=users.founder)
    with violates_constraint("token_grant_immutable"):
        update_row(TOKEN, token.pk, **{column: value})


def test_sql_update__use_and_an_earlier_end__pass(users: Users) -> None:
    token, _ = made_token(users.executor)
    update_row(TOKEN, token.pk, last_used_at=NOON, expiry=NOON)


@pytest.mark.parametrize("attack", ["DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_sql_delete__token__refused(users: Users, attack: str) -> None:
    made_token(users.executor)
    with violates_constraint("token_never_removed"):
        run_sql(attack.format(TOKEN))


@pytest.mark.parametrize(
    ("constraint", "columns"),
    [
        ("token_verbs_not_empty", {"verbs": []}),
        ("token_capabilities_not_empty", {"capabilities": []}),
        ("token_revocation_complete", {"revoked_at": NOON}),
        ("token_revocation_complete", {"revoked_reason": "It leaked."}),
    ],
)
def test_sql_insert__token_that_cannot_be__refused(
    users: Users, constraint: str, columns: dict[str, Any]
) -> None:
    with violates_constraint(constraint):
        made_token(users.executor, **columns)


def test_sql_insert__hash_that_is_there__refused(users: Users) -> None:
    token, _ = made_token(users.executor)
    with violates_constraint("token_digest_once"):
        ApiToken(user=users.viewer, digest=token.digest, token_key="0" * 15).save(force_insert=True)


def test_role_of_the_application__cannot_widen_or_remove_a_token(committed: Users) -> None:
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
