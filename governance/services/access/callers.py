"""The caller of an API request: a token, its account and its permissions, read by one statement.

Every API request needs this, so the statement is prepared and runs once per request.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.db import connection

from governance.db.row_mapping import RowMapping, array_literal, prepared_rows
from governance.models import Account, ApiToken

_TOKEN = RowMapping(ApiToken, "token")
_USER = RowMapping(Account, "person")

_PERMISSIONS = """
    ARRAY(SELECT kind.app_label || '.' || permission.codename
            FROM auth_permission permission
            JOIN django_content_type kind ON kind.id = permission.content_type_id
           WHERE permission.id IN ({ids}))"""
_BY_USER = (
    "SELECT permission_id FROM governance_account_user_permissions WHERE account_id = person.id"
)
_BY_GROUP = """
    SELECT granted.permission_id
      FROM governance_account_groups member
      JOIN auth_group_permissions granted ON granted.group_id = member.group_id
     WHERE member.account_id = person.id"""

_CALLERS = f"""
    SELECT {_TOKEN.sql}, {_USER.sql},
           {_PERMISSIONS.format(ids=_BY_USER)}, {_PERMISSIONS.format(ids=_BY_GROUP)}
      FROM governance_apitoken token
      JOIN governance_account person ON person.id = token.user_id
     WHERE token.token_key = %s"""  # noqa: S608 - our own words


def tokens_by_key(key: str) -> list[ApiToken]:
    """Return the tokens whose text begins with `key`, almost always at most one.

    The permissions of each token's `user` are cached, so `has_perm` makes no query.
    """
    found = []
    for row in prepared_rows(_CALLERS, [key]):
        token: ApiToken = _TOKEN.row(row)
        token.user = _USER.row(row[_TOKEN.number :])
        own, by_group = row[-2:]
        _cache_permissions(token.user, own=own, by_group=by_group)
        found.append(token)
    return found


def users_by_id(ids: Iterable[int]) -> dict[int, Account]:
    """Return accounts by id, with only their id and username loaded."""
    rows = prepared_rows(
        "SELECT id, username FROM governance_account WHERE id = ANY (%s::bigint[])",
        [array_literal(ids)],
    )
    return {row[0]: Account.from_db(connection.alias, ["id", "username"], row) for row in rows}


def _cache_permissions(user: Account, *, own: Collection[str], by_group: Collection[str]) -> None:
    """Fill the permission cache of Django's ModelBackend, which then decides as usual.

    The backend gives an inactive account no permission and a superuser all of them. Nothing is
    cached for a superuser, because the backend needs no list to decide.
    """
    if not user.is_superuser:
        user._user_perm_cache = set(own)  # type: ignore[attr-defined]
        user._group_perm_cache = set(by_group)  # type: ignore[attr-defined]
