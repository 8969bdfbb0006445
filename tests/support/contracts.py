"""Attacks on contracts: with raw SQL past the operations, and on the guards of the operations."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction

from governance.domain.errors import GovernanceError
from governance.domain.lifecycles import CONTRACT_TERMINAL_STATES
from governance.domain.values import ContractStatus
from governance.models import SystemContract
from tests.support.attacks import check_deferred_triggers, nothing_written, run_sql, update_row
from tests.support.clock import clock_at, now
from tests.support.factories import MAY, VALIDATOR_VERDICT, contract_in, draft, reloaded
from tests.support.forgery import CONTRACT, forge_entry, forge_signature, forge_signing_entry
from tests.support.roles import as_owner
from tests.support.users import Users

DIGEST = "c" * 64
OPEN_STATES = [status for status in ContractStatus if status not in CONTRACT_TERMINAL_STATES]
# The statuses that have a MAY verdict; below, those that have an approval.
ELIGIBLE_AND_LATER = [
    ContractStatus.ELIGIBLE,
    ContractStatus.APPROVED,
    ContractStatus.ACTIVE,
    ContractStatus.COMPLETED,
    ContractStatus.FAILED,
]
APPROVED_AND_LATER = ELIGIBLE_AND_LATER[1:]


@contextmanager
def refused(
    kind: type[GovernanceError], code: str, *, constraint: str | None = None
) -> Iterator[pytest.ExceptionInfo[GovernanceError]]:
    """Expect a refusal of `kind` with exactly `code`, and no change in the database.

    Args:
        constraint: The database guard that refuses; None if a guard in Python must refuse.
    """
    with nothing_written():
        with pytest.raises(GovernanceError) as caught:
            yield caught
        assert isinstance(caught.value, kind), caught.value
        assert caught.value.code == code, caught.value
        assert caught.value.details.get("constraint") == constraint, caught.value


@contextmanager
def taken_back() -> Iterator[None]:
    """Roll back what the block does, which must succeed."""
    check_deferred_triggers()
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@contextmanager
def checks_alone() -> Iterator[None]:
    """Disable the triggers of the contracts' table for the rest of the test.

    Its CHECK constraints remain, so that the test attacks them alone. Otherwise a trigger would
    refuse first.
    """
    check_deferred_triggers()  # a table with pending deferred triggers cannot be altered
    with as_owner():
        run_sql(f"ALTER TABLE {CONTRACT} DISABLE TRIGGER USER")
        yield


def contract_anywhere(users: Users, status: ContractStatus) -> SystemContract:
    """Create a contract in `status`; VALIDATED, which no operation sets, is set by raw SQL."""
    if status is not ContractStatus.VALIDATED:
        contract: SystemContract = reloaded(contract_in(users, status))
        return contract
    contract = draft(users)
    force_contract(contract, ContractStatus.VALIDATED, users)
    check_deferred_triggers()
    moved: SystemContract = reloaded(contract)
    return moved


def contract_columns_for(
    contract: SystemContract, target: ContractStatus, users: Users
) -> dict[str, Any]:
    """Return the columns that the row needs for `target` and lacks.

    With them, the move itself is the only thing that a database guard can refuse.
    """
    columns: dict[str, Any] = {}
    at = now()
    if contract.status in CONTRACT_TERMINAL_STATES:
        return {"status": str(target)}
    if target in ELIGIBLE_AND_LATER:
        columns |= {
            "validator_verdict": json.dumps(VALIDATOR_VERDICT),
            "confidence_score": 0.85,
            "eligibility_verdict": json.dumps(MAY),
            "eligibility_decision": "MAY",
            "content_digest": DIGEST,
        }
    if target in APPROVED_AND_LATER:
        columns |= {
            "approved_by_id": users.founder.pk,
            "approved_at": at,
            "approved_digest": contract.content_digest or DIGEST,
            "window_opens_at": at,
            "window_closes_at": at + timedelta(hours=1),
        }
    if target in CONTRACT_TERMINAL_STATES:
        columns |= {"closed_at": at, "closed_by_id": users.founder.pk}
    lacking = {name: new for name, new in columns.items() if getattr(contract, name) is None}
    if target is ContractStatus.COMPLETED:
        lacking["audit_verdict"] = "PASS"
    if target is ContractStatus.FAILED and contract.status == ContractStatus.APPROVED:
        lacking["closed_reason"] = "approval_withdrawn: Called off."
    return lacking | {"status": str(target)}


def force_contract(
    contract: SystemContract, target: ContractStatus, users: Users, **changes: Any
) -> None:
    """Move a contract by raw SQL, with a forged ledger entry that agrees with the move."""
    current = reloaded(contract)
    signs = (current.status, target) == (ContractStatus.ELIGIBLE, ContractStatus.APPROVED)
    moved = {
        "event": "contract.attack.moved",
        "from_status": str(current.status),
        "to_status": str(target),
    }
    with clock_at(now()):  # an approval has the time of its signature
        columns = contract_columns_for(current, target, users)
        columns |= {"updated_at": now()} | changes
        if signs:
            forge_signature(current, users.founder)
        update_row(CONTRACT, contract.pk, **columns)
        if signs:
            forge_signing_entry(contract.pk)
        else:
            forge_entry(contract.pk, **moved)


def insert_copy(contract: SystemContract, **changes: Any) -> UUID:
    """Insert a copy of a contract by raw SQL, with a new id and with `changes`; return the id.

    The copy takes its reference, as a new contract must.
    """
    identity = uuid4()
    identity_and_time = {"id": identity, "reference": f"COPY-{identity}", "updated_at": now()}
    changes = identity_and_time | changes
    run_sql(
        f"INSERT INTO {CONTRACT} SELECT (jsonb_populate_record(original, %s)).* "
        f"FROM {CONTRACT} AS original WHERE id = %s",
        json.dumps(changes, default=str),
        contract.pk,
    )
    take_reference(identity)
    return identity


def take_reference(contract_id: UUID) -> None:
    """Take the reference of a contract by raw SQL, under the reference itself as its key."""
    run_sql(
        "INSERT INTO governance_takenreference (name_key, reference, contract_id)"
        f" SELECT reference, reference, id FROM {CONTRACT} WHERE id = %s",
        contract_id,
    )
