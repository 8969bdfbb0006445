"""The real changes from Kubernetes releases as contracts: proposed, and approved."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from django.db import connections
from django.test import Client

from governance.domain.errors import MayNotVerdictError
from governance.domain.values import ActivationWindow
from governance.flows.propose_contract import propose_contract
from governance.models import SystemContract
from governance.services.registry.operations import register_capabilities
from tests.support.admin import approval, contract_url
from tests.support.kubernetes import CAPABILITIES, real_changes
from tests.support.signing import approve_as_seen
from tests.support.users import Users

# More threads than one, because a thread that waits for PostgreSQL leaves the CPU idle.
APPROVAL_THREADS = 3
PROPOSED, MAY_NOT, CONTRACTS, KNOWN_CAPABILITIES = 747, 14, 733, 417
SEED = 733  # the same sample on every run
PROPOSAL = (
    "reference",
    "title",
    "requested_by",
    "affected_capabilities",
    "proposed_changes",
    "risk_level",
)


def propose_all(users: Users) -> list[SystemContract]:
    """Propose every real change, and return the contracts; MAY_NOT is refused."""
    contracts, refused = _propose(users, real_changes())
    assert (len(contracts), refused) == (CONTRACTS, MAY_NOT)
    return contracts


def propose_some(users: Users, count: int) -> list[SystemContract]:
    """Propose a sample of the real changes, always the same; a few of them are refused."""
    contracts, _ = _propose(users, drawn(real_changes(), count))
    return contracts


def drawn(everything: list[Any], count: int) -> list[Any]:
    """Return a random sample, the same on every run."""
    return Random(SEED).sample(everything, count)


def _propose(users: Users, rows: list[dict[str, Any]]) -> tuple[list[SystemContract], int]:
    registry = json.loads(CAPABILITIES.read_text())["capabilities"]
    assert register_capabilities(documents=registry).added == KNOWN_CAPABILITIES
    contracts, refused = [], 0
    for row in rows:
        proposal = {name: row[name] for name in PROPOSAL}
        try:
            contract, is_new = propose_contract(
                document=proposal | {"description": row["body"], "source": "manual"},
                validator_verdict=row["validator_verdict"],
                eligibility_verdict=row["eligibility_verdict"],
                proposer=users.operator,
            )
        except MayNotVerdictError:
            assert row["eligibility_verdict"]["decision"] == "MAY_NOT"
            refused += 1
        else:
            assert is_new
            contracts.append(contract)
    return contracts, refused


def in_rounds(contracts: list[SystemContract]) -> list[list[SystemContract]]:
    """Part contracts into rounds, in their order: no two of a round affect one capability.

    A founder approves a contract on a page that shows the values of now, so the contract before it
    on the same capability has to end first.
    """
    rounds: list[list[SystemContract]] = []
    latest: dict[str, int] = {}
    for contract in contracts:
        number = 1 + max(latest.get(name, -1) for name in contract.affected_capabilities)
        latest |= dict.fromkeys(contract.affected_capabilities, number)
        if number == len(rounds):
            rounds.append([])
        rounds[number].append(contract)
    return rounds


def approve_all(users: Users, contracts: list[SystemContract]) -> None:
    """Approve the first contract by the admin's form, and the others by the flow, in threads."""
    first, *others = contracts
    browser = Client()
    browser.force_login(users.founder)
    answer = browser.post(contract_url(first, "approve"), approval(first))
    assert answer.status_code == 302
    assert SystemContract.objects.get(pk=first.pk).approved_by_id == users.founder.pk
    with ThreadPoolExecutor(APPROVAL_THREADS) as pool:
        shares = [others[number::APPROVAL_THREADS] for number in range(APPROVAL_THREADS)]
        list(pool.map(lambda share: _approve(users, share), shares))


def _approve(users: Users, contracts: list[SystemContract]) -> None:
    try:
        for contract in contracts:
            at = datetime.now(UTC)
            window = ActivationWindow(at, at + timedelta(hours=24))
            approve_as_seen(contract, at=at, founder=users.founder, window=window)
    finally:
        connections.close_all()
