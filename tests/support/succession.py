"""Factories of contracts that succeed another one (modified scope)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from governance.flows.modify_scope import modify_scope
from governance.models import SystemContract
from tests.support.clock import as_of
from tests.support.factories import THREE_CHANGES, eligible
from tests.support.users import Users

MODIFYING = "A preview is enough for now."
# Two of the three changes of the parent, one of them with another value.
FEWER: list[dict[str, Any]] = [THREE_CHANGES[0], THREE_CHANGES[1] | {"new_value": 30}]


def modify(
    contract: SystemContract, founder: Any, *, at: datetime | None = None, **changes: Any
) -> SystemContract:
    arguments: dict[str, Any] = {
        "contract_id": contract.pk,
        "founder": founder,
        "changes": FEWER,
        "reason": MODIFYING,
        "seen_digest": contract.content_digest,
    }
    return as_of(at, modify_scope, **(arguments | changes))


def modified(users: Users, **changes: Any) -> SystemContract:
    """Return the DRAFT by which the founder replaced a contract of the operator."""
    return modify(eligible(users, **changes), users.founder)
