"""The caller of an API request: a token, its account and its permissions, read by one statement."""

from __future__ import annotations

from datetime import datetime

from governance.db.rows import Columns, fetch_rows
from governance.models import Account, ApiToken

_TOKEN = Columns(ApiToken, "token")
_ACCOUNT = Columns(Account, "person")

_CALLERS = f"""
    SELECT {_TOKEN.sql}, {_ACCOUNT.sql},
           ARRAY(SELECT kind.app_label || '.' || permission.codename
                   FROM auth_permission permission
                   JOIN django_content_type kind ON kind.id = permission.content_type_id
                  WHERE permission.id IN (
                        SELECT permission_id FROM governance_account_user_permissions
                         WHERE account_id = person.id
                        UNION
                        SELECT granted.permission_id
                          FROM governance_account_groups member
                          JOIN auth_group_permissions granted ON granted.group_id = member.group_id
                         WHERE member.account_id = person.id)),
           ARRAY(SELECT name FROM auth_group WHERE id IN (
                 SELECT group_id FROM governance_account_groups WHERE account_id = person.id)),
           governance_now()
      FROM governance_apitoken token
      JOIN governance_account person ON person.id = token.user_id
     WHERE token.token_key = %s"""  # noqa: S608 - our own words


def tokens_by_key(key: str) -> list[tuple[ApiToken, datetime]]:
    """Return each token whose text begins with `key`, almost always one, and the present time.

    The account of a token (`user`) knows its permissions and its groups, so `has_perm` and
    `has_role` make no query.
    """
    found = []
    for row in fetch_rows(_CALLERS, [key]):
        *columns, permissions, groups, now = row
        token: ApiToken = _TOKEN.instance(columns)
        token.user = _ACCOUNT.instance(columns[_TOKEN.number :])
        token.user.known_permissions = frozenset(permissions)
        token.user.known_groups = frozenset(groups)
        found.append((token, now))
    return found
