"""Verification of the registry: recompute it from its changes, and these from completed steps.

Nothing here uses the triggers' result as proof: each present value is compared with the newest
change on record, and each change of a step with the plan and the result of that step. Of a contract
that was removed, the archive has both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from governance.db.rows import fetch_rows
from governance.domain.canonical import canonical_text, load_json
from governance.domain.errors import InvalidInputError
from governance.models import ContractTombstone, RegistryChange
from governance.record.ledger.verification import ArchiveReader

MAX_FINDINGS = 1000


@dataclass(frozen=True, slots=True)
class RegistryFinding:
    """A value of the registry that does not agree with its history; `key` "" is the lifecycle."""

    scope: str
    key: str
    problem: str

    @property
    def name(self) -> str:
        return f"{self.key} of {self.scope}" if self.key else f"lifecycle of {self.scope}"


# Each present value, and the newest change of it.
_VALUES = """
SELECT coalesce(present.scope, newest.scope), coalesce(present.key, newest.key),
       CASE WHEN newest.id IS NULL THEN 'no change of the registry set it'
            WHEN present.scope IS NULL THEN 'it was set, and is not in the registry'
            ELSE format('it is not what change %%s set', newest.id) END
  FROM (SELECT name AS scope, '' AS key, to_jsonb(lifecycle) AS value, origin_id
          FROM governance_capability
         UNION ALL
        SELECT scope, key, value, origin_id FROM governance_configurationentry) present
  FULL JOIN (SELECT DISTINCT ON (scope, key) scope, key, value, id
               FROM governance_registrychange ORDER BY scope, key, id DESC) newest
       USING (scope, key)
 WHERE (present.value, present.origin_id) IS DISTINCT FROM (newest.value, newest.id)
 ORDER BY 1, 2 LIMIT %s
"""

# Each value that a COMPLETED step sets, and the change of it. Results before the first change on
# record are of an earlier version, and so is what the lifecycle of an unregistered capability is.
_STEPS = """
WITH expected AS (
    SELECT result.job_id, result.step_index, one.scope, one.key, one.value
      FROM governance_stepresult result
      JOIN governance_jobstep step USING (job_id, step_index)
     CROSS JOIN LATERAL governance_values_set_by(step.change) one
     WHERE result.status = 'COMPLETED'
       AND result.recorded_at >= (SELECT min(changed_at) FROM governance_registrychange)
       AND (one.key <> '' OR EXISTS (
            SELECT FROM governance_registrychange known
             WHERE known.scope = one.scope AND known.key = ''
               AND known.changed_at <= result.recorded_at))
), changed AS (
    SELECT job_id, step_index, scope, key, value FROM governance_registrychange change
     WHERE registry_import_id IS NULL AND NOT EXISTS (
           SELECT FROM governance_contracttombstone removed
            WHERE removed.contract_id = change.contract_id)
)
SELECT scope, key,
       CASE WHEN changed.value IS NULL
            THEN format('step %%s of the job %%s set it, and no change says so',
                        step_index + 1, job_id)
            ELSE format('a change of it names step %%s of the job %%s, which did not set that',
                        step_index + 1, job_id) END
  FROM expected FULL JOIN changed USING (job_id, step_index, scope, key)
 WHERE expected.value IS DISTINCT FROM changed.value
 ORDER BY 1, 2 LIMIT %s
"""


def verify_registry(archived: ArchiveReader | None = None) -> Iterator[RegistryFinding]:
    """Compare the registry with its changes, and these with the steps that made them.

    Args:
        archived: reads the archived record of a removed contract; without it, the changes of
            removed contracts are compared with the registry only.

    Yields:
        At most `MAX_FINDINGS` of each kind.
    """
    for query in (_VALUES, _STEPS):
        for scope, key, problem in fetch_rows(query, [MAX_FINDINGS]):
            yield RegistryFinding(scope, key, problem)
    if archived:
        yield from _findings_of_removed(archived)


def _findings_of_removed(archived: ArchiveReader) -> Iterator[RegistryFinding]:
    for tombstone in ContractTombstone.objects.order_by("pk").iterator():
        try:
            record = archived(tombstone)
        except InvalidInputError:
            continue  # the verification of the ledger reports the archive itself
        completed = {
            row.step_index for row in record.rows["StepResult"] if row.status == "COMPLETED"
        }
        set_by_steps = {
            (row.step_index, scope, key, value)
            for row in record.rows["JobStep"]
            if row.step_index in completed
            for scope, key, value in _values_set_by(row.change)
        }
        for change in RegistryChange.objects.filter(contract_id=tombstone.pk).order_by("pk"):
            made = (change.step_index, change.scope, change.key, canonical_text(change.value))
            if made not in set_by_steps:
                problem = (
                    f"a change of it names step index {change.step_index} of the removed contract"
                    f" {tombstone.pk}, whose archived record does not set that"
                )
                yield RegistryFinding(change.scope, change.key, problem)


def _values_set_by(change: Any) -> list[tuple[str, str, str]]:
    """Return scope, key and the canonical text of each value that the change sets."""
    rows = fetch_rows(
        "SELECT scope, key, value FROM governance_values_set_by(%s)", [canonical_text(change)]
    )
    return [(scope, key, canonical_text(load_json(value))) for scope, key, value in rows]
