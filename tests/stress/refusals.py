"""The attack `refusals`: a platform refuses one step in twenty of the real changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import NamedTemporaryFile
from uuid import UUID

from django.test import override_settings

from governance.domain.breaker import BreakerState
from governance.domain.changes import Change, parse_changes
from governance.domain.values import JobStatus, StepStatus
from governance.flows.activate_contract import activate_contract
from governance.models import GovernanceJob, HandlerBreaker, SystemContract
from governance.services.registry.verification import verify_registry
from tests.stress.attack import Advance, AttackResult, attack, chosen_seed, require
from tests.stress.proof import require_whole_record
from tests.support.announced_handlers import HALF_DONE, REASON, announced
from tests.support.databases import cloned, ensure_template
from tests.support.kubernetes import CHANGES
from tests.support.real_contracts import approve_all, in_rounds, propose_some
from tests.support.registry_state import described_state, recorded_state
from tests.support.users import create_users
from tests.support.worker_process import WorkerProcess, eventually, working

HANDLER = "refusing"
SHARE = 0.05
OPEN = (JobStatus.PENDING, JobStatus.RUNNING)
MAX_ROUND_SECONDS = 300.0
# The refused steps of each contract.
Refused = dict[UUID, set[int]]


@attack(
    "refusals",
    "a handler refuses one step in twenty of the real changes",
    unit="changes",
    short=60,
    long=747,
)
def refusals(count: int, advance: Advance) -> AttackResult:
    require(CHANGES.exists(), "the real changes are not on this machine")
    seed = chosen_seed()
    with cloned(ensure_template()):
        users = create_users()
        contracts = propose_some(users, count)
        refused = drawn_steps(contracts, Random(seed))
        with (
            # The first contract of a round is approved by the form, over HTTP.
            override_settings(SECURE_SSL_REDIRECT=False, ALLOWED_HOSTS=["testserver"]),
            refusing_workers(refused) as workers,
        ):
            for together in in_rounds(contracts):
                approve_all(users, together)
                for contract in together:
                    activate_contract(contract_id=contract.pk, actor=users.operator)
                eventually(all_ended, *workers, within=MAX_ROUND_SECONDS)
                advance(len(together))
        advance(count - len(contracts))  # these were MAY_NOT
        made = [change for contract in contracts for change in require_ending(contract, refused)]
        require(recorded_state() == described_state(made), "the registry has other values")
        require(not list(verify_registry()), "verify_registry has findings")
        require_closed_breaker()
        entries = require_whole_record()
    steps = sum(len(indexes) for indexes in refused.values())
    return AttackResult(
        f"{steps} refused steps: {len(refused)} of {len(contracts)} jobs ended FAILED at their "
        f"first refusal, all others COMPLETED; the registry has the {len(made)} completed steps; "
        f"the breaker stayed closed; {entries} entries verify (seed {seed})",
        {"contracts": len(contracts), "failed": len(refused), "completed_steps": len(made)},
    )


def drawn_steps(contracts: list[SystemContract], lots: Random) -> Refused:
    """Return a random share of all steps."""
    steps = [
        (contract.pk, index)
        for contract in contracts
        for index in range(len(contract.proposed_changes))
    ]
    refused: Refused = {}
    for contract_id, index in lots.sample(steps, max(1, round(SHARE * len(steps)))):
        refused.setdefault(contract_id, set()).add(index)
    return refused


@contextmanager
def refusing_workers(refused: Refused) -> Iterator[list[WorkerProcess]]:
    """Run two workers with a handler that refuses these steps."""
    with NamedTemporaryFile("w", prefix="refused-") as file:
        for contract_id, indexes in refused.items():
            file.writelines(f"{contract_id} {index}\n" for index in indexes)
        file.flush()
        with (
            announced(HANDLER, Path(file.name)) as (routes, found),
            working(routes, **found) as first,
            working(routes, **found) as second,
        ):
            yield [first, second]


def all_ended() -> bool:
    return not GovernanceJob.objects.filter(status__in=OPEN).exists()


def require_ending(contract: SystemContract, refused: Refused) -> list[Change]:
    """Check how the job of a contract ended, and return the changes that it made."""
    changes = parse_changes(contract.proposed_changes)
    job = GovernanceJob.objects.get(contract=contract)
    results = list(job.results.order_by("step_index"))
    if contract.pk not in refused:
        require(job.status == JobStatus.COMPLETED, f"{job} is {job.status}: {job.end_reason}")
        require(len(results) == len(changes), f"{job} has {len(results)} results")
        return changes
    at = min(refused[contract.pk])
    statuses = [result.status for result in results]
    known = [StepStatus.COMPLETED] * at + [StepStatus.FAILED]
    require(job.status == JobStatus.FAILED, f"{job} is {job.status}, with a refused step")
    require(statuses[: at + 1] == known, f"{job} has {statuses}, refused at {at}")
    require(StepStatus.COMPLETED not in statuses[at + 1 :], f"{job} went on: {statuses}")
    require(results[at].error == REASON, f"{job} failed with {results[at].error!r}")
    require(results[at].output["did"] == HALF_DONE, f"{job} lacks what the step had done")
    return changes[:at]


def require_closed_breaker() -> None:
    breaker = HandlerBreaker.objects.get(handler=HANDLER)
    require(breaker.state == BreakerState.CLOSED, f"the breaker is {breaker.state}")
    require(breaker.last_fault_at is None, f"a refusal counted as a fault: {breaker.last_fault}")
