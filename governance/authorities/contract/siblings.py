"""The other open contracts on a contract's capabilities: what else is about to change there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.db.models import F, QuerySet

from governance.authorities.contract.capability_history import changes_to
from governance.db.rows import fetch_rows
from governance.domain.values import SYSTEM_SCOPE
from governance.models import SystemContract
from governance.models.contract_indexes import OPEN_STATUSES

MAX_SIBLINGS = 20
_BESIDE = f"""
    SELECT contract.id FROM governance_systemcontract contract
     WHERE contract.id = ANY (%s) AND EXISTS (
        SELECT FROM governance_systemcontract other
         WHERE other.status IN ({", ".join(f"'{status}'" for status in OPEN_STATUSES)})
           AND other.affected_capabilities && contract.affected_capabilities
           AND other.id <> contract.id)"""  # noqa: S608 - names of our own


def open_siblings(contract: SystemContract) -> list[SystemContract]:
    """Return the newest siblings of a contract, one more than is shown if there are; one query.

    Each has `own_changes`, the first few of its changes to the shared capabilities, and
    `own_total`, the number of all of them. No other long column is read.
    """
    names = contract.affected_capabilities
    others = SystemContract.objects.filter(
        status__in=OPEN_STATUSES, affected_capabilities__overlap=names
    ).exclude(pk=contract.pk)
    columns = ("id", "reference", "title", "status", "risk_level", "created_at")
    # The sum keeps PostgreSQL from walking all contracts by time, most of which have ended.
    newest = (F("created_at") + timedelta(0)).desc()
    found = changes_to(names, others.only(*columns)).order_by(newest, "-id")
    return list(found[: MAX_SIBLINGS + 1])


def open_contracts_beside(contract: SystemContract) -> QuerySet[SystemContract]:
    """Return the other open contracts whose scope overlaps; that of SYSTEM overlaps every scope."""
    others = SystemContract.objects.filter(status__in=OPEN_STATUSES).exclude(pk=contract.pk)
    names = contract.affected_capabilities
    if SYSTEM_SCOPE not in names:
        others = others.filter(affected_capabilities__overlap=[*names, SYSTEM_SCOPE])
    return others.only("id", "reference", "affected_capabilities", "created_at").order_by()


def with_siblings(contract_ids: Sequence[UUID]) -> set[UUID]:
    """Return those of the contracts that have a sibling; one query."""
    return {found for (found,) in fetch_rows(_BESIDE, [list(contract_ids)])}
