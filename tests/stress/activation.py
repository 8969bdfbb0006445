"""The attack `activation`: 64 clients activate a contract at the same time; one job must result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from uuid import UUID

import httpx

from governance.domain.values import ContractStatus, JobStatus
from governance.models import GovernanceJob, LedgerEntry, SystemContract
from tests.stress.attack import Advance, AttackResult, attack, require
from tests.stress.proof import require_whole_record
from tests.support.databases import cloned, ensure_template
from tests.support.factories import approved
from tests.support.rounds import WorkerThreads, run_simultaneously
from tests.support.sites import client_of, running_site
from tests.support.users import create_users

CLIENTS = 64
# A client closes an idle connection earlier than the site, which does so after 5 s.
ONE_CONNECTION = httpx.Limits(max_connections=1, keepalive_expiry=3)


@attack(
    "activation",
    f"{CLIENTS} clients activate one contract",
    unit="rounds",
    short=6,
    long=200,
)
def activation(count: int, advance: Advance) -> AttackResult:
    answers: Counter[str] = Counter()
    with cloned(ensure_template()):
        users = create_users()
        with ExitStack() as leaving:
            address = leaving.enter_context(running_site())
            threads = leaving.enter_context(WorkerThreads(CLIENTS))
            clients = [
                leaving.enter_context(client_of(address, users.operator, limits=ONE_CONNECTION))
                for _ in range(CLIENTS)
            ]
            for _ in range(count):
                contract = approved(users)
                results = run_simultaneously(activations(clients, contract.pk), threads)
                answers.update(results)
                require_one_job(contract.pk, results)
                advance(1)
        entries = require_whole_record()
    refused = ", ".join(f"{number} 409 {code}" for code, number in answers.items() if code)
    return AttackResult(
        f"one job each for {count} contracts; of {sum(answers.values())} answers "
        f"{answers['']} were 201, {refused}; {entries} entries verify",
        {"rounds": count, "clients": CLIENTS, "created": answers[""]},
    )


def activations(clients: Sequence[httpx.Client], contract_id: UUID) -> list[Callable[[], str]]:
    """Return a call for each client, which returns "" if it created the job, or the error code."""

    def activate(client: httpx.Client) -> str:
        answer = client.post(f"contracts/{contract_id}/activate/", json={})
        if answer.status_code == 201:
            require(answer.json()["contract"]["id"] == str(contract_id), answer.text)
            return ""
        require(answer.status_code == 409, f"{answer.status_code} {answer.text}")
        return str(answer.json()["code"])

    return [lambda client=client: activate(client) for client in clients]  # type: ignore[misc]


def require_one_job(contract_id: UUID, results: Sequence[str]) -> None:
    require(
        results.count("") == 1,
        f"{results.count('')} of {len(results)} clients got a new job",
    )
    codes = set(results) - {""}
    require(codes == {"contract_not_approved"}, f"refused as {codes}")
    jobs = GovernanceJob.objects.filter(contract_id=contract_id)
    statuses = list(jobs.values_list("status", flat=True))
    require(statuses == [JobStatus.PENDING], f"contract {contract_id} has jobs {statuses}")
    contract = SystemContract.objects.get(pk=contract_id)
    require(contract.status == ContractStatus.ACTIVE, f"{contract_id} is {contract.status}")
    for event in ("contract.activation.activated", "job.activation.created"):
        entries = LedgerEntry.objects.filter(contract_id=contract_id, event=event).count()
        require(entries == 1, f"{entries} entries of {event} for {contract_id}")
