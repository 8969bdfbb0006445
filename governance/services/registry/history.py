"""The history of settings: whether a job's change is the newest, and what was before it."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from governance.db.rows import fetch_rows
from governance.domain.canonical import load_json
from governance.domain.rollbacks import PlatformSetting, SettingHistory
from governance.services.registry.secret_keys import visible_value

_HISTORY = """
    SELECT setting.scope, setting.key, newest.job_id IS NOT DISTINCT FROM %s, before.value::text
      FROM unnest(%s::text[], %s::text[]) AS setting (scope, key)
     CROSS JOIN LATERAL (
           SELECT id, job_id FROM governance_registrychange
            WHERE scope = setting.scope AND key = setting.key
            ORDER BY id DESC LIMIT 1) newest
      LEFT JOIN LATERAL (
           SELECT value FROM governance_registrychange
            WHERE scope = setting.scope AND key = setting.key
              AND id < newest.id AND job_id IS DISTINCT FROM %s
            ORDER BY id DESC LIMIT 1) before ON true"""


def history_of_job(
    job_id: UUID, settings: Collection[PlatformSetting]
) -> dict[PlatformSetting, SettingHistory]:
    """Return, for settings that a job changed, whether its change is the newest; one query.

    A setting of which the registry has no change is missing.
    """
    scopes, keys = [one.scope for one in settings], [one.key for one in settings]
    found = fetch_rows(_HISTORY, [job_id, scopes, keys, job_id])
    return {
        PlatformSetting(scope, key): SettingHistory(
            is_newest, None if before is None else visible_value(key, load_json(before))
        )
        for scope, key, is_newest, before in found
    }
