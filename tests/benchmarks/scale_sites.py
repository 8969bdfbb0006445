"""A site for each database, its clients, and the times of their calls."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Any
from uuid import uuid4

import httpx
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import Group
from django.contrib.sessions.backends.db import SessionStore

from governance.domain.roles import Role
from governance.domain.values import ContractStatus
from governance.models import Account, SystemContract
from tests.benchmarks.scale_calls import PAGE, Sample, calls, pages
from tests.benchmarks.scale_databases import Made
from tests.support.databases import pointed_at
from tests.support.factories import approved, eligible, now
from tests.support.sites import running_site
from tests.support.tokens import new_token
from tests.support.users import Users

WARMING = 3  # rounds that are not measured
WRITES = ("activate", "claim", "record a result", "complete")
_ROLES = {
    "operator": Role.OPERATOR,
    "founder": Role.FOUNDER,
    "executor": Role.EXECUTOR,
}


@dataclass(frozen=True, slots=True)
class Timing:
    """The times of a call in milliseconds, and the median length of its response."""

    p50: float
    p99: float
    kilobytes: float

    @classmethod
    def of(cls, answers: Sequence[tuple[float, int]]) -> Timing:
        cuts = quantiles([ms for ms, _ in answers], n=100, method="inclusive")
        length = median(size for _, size in answers) / 1000
        return cls(round(cuts[49], 2), round(cuts[98], 2), round(length, 1))


@dataclass
class Visit:
    """The clients of one site, and the times and lengths that they measured."""

    clients: Mapping[str, httpx.Client]
    addresses: Mapping[str, Iterator[str]]
    approved: Iterator[SystemContract]
    taken: dict[str, list[tuple[float, int]]] = field(default_factory=dict)

    def read(self, name: str) -> None:
        client = self.clients["admin" if name.startswith("admin") else "viewer"]
        address = next(self.addresses[name])
        self._timed(name, lambda: client.get(address), 200)

    def write(self) -> None:
        """Activate a contract, then claim the oldest PENDING job, report it and complete it."""
        contract, executor = next(self.approved), self.clients["executor"]
        address = f"/api/v1/contracts/{contract.pk}/activate/"
        self._timed(WRITES[0], lambda: _post(self.clients["operator"], address, {}), 201)
        job = self._timed(WRITES[1], lambda: _post(executor, "/api/v1/jobs/claim/", {}), 200).json()
        here, token = f"/api/v1/jobs/{job['id']}/", {"execution_token": job["execution_token"]}
        for index in range(job["total_steps"]):
            at = now().isoformat()
            result = {"step_index": index, "status": "COMPLETED", "started_at": at}
            report = token | result | {"completed_at": at, "output": {"done": True}}
            self._timed(WRITES[2], _posting(executor, f"{here}results/", report), 201)
        self._timed(WRITES[3], _posting(executor, f"{here}complete/", token), 200)

    def _timed(self, name: str, call: Callable[[], httpx.Response], status: int) -> httpx.Response:
        began = time.perf_counter()
        answer = call()
        spent = (time.perf_counter() - began) * 1000
        self.taken.setdefault(name, []).append((spent, len(answer.content)))
        if answer.status_code != status:
            where = f"{answer.request.method} {answer.request.url}"
            raise RuntimeError(f"{where} answered {answer.status_code}: {answer.text[:500]}")
        return answer


@contextmanager
def visiting(made: Sequence[Made], *, rounds: int) -> Iterator[list[Visit]]:
    """Run a site for each database at the same time, and return a visit for each."""
    with ExitStack() as stack:
        visits = []
        for one in made:
            with pointed_at(one.name):
                users, admin = _people()
                _fill_the_queue(users)
                sample = Sample(one.contracts)
                contracts = [
                    approved(users, reference=f"BENCHMARK-{uuid4()}") for _ in range(rounds)
                ]
                session = _session_of(admin)
                tokens = {
                    name: new_token(getattr(users, name))
                    for name in ("operator", "executor", "viewer")
                }
                site = stack.enter_context(running_site())
                addresses = pages(sample) | calls(sample)
            clients = {
                name: httpx.Client(
                    base_url=site, headers={"Authorization": f"Bearer {token}"}, timeout=60
                )
                for name, token in tokens.items()
            }
            cookies = {settings.SESSION_COOKIE_NAME: session}
            clients["admin"] = httpx.Client(base_url=site, cookies=cookies, timeout=60)
            for client in clients.values():
                stack.enter_context(client)
            visits.append(Visit(clients, addresses, iter(contracts)))
        yield visits


def measure(
    visits: Sequence[Visit], names: Sequence[str], *, calls: int, advance: Callable[[int], object]
) -> None:
    """Call all sites in alternation, so that a slow moment of the machine affects every size."""
    for turn in range(WARMING + calls):
        if turn == WARMING:
            for visit in visits:
                visit.taken.clear()
        for name in names:
            for visit in visits:
                visit.read(name)
        for visit in visits:
            visit.write()
        advance(1)


def _people() -> tuple[Users, Account]:
    """Return the users of the benchmark; a kept database has them already."""

    def new_user(name: str, role: Role | None, **columns: Any) -> Account:
        person, _ = Account.objects.get_or_create(
            username=f"benchmark-{name}", defaults={"is_staff": True} | columns
        )
        if role:
            person.groups.add(Group.objects.get(name=role))
        return person

    by_role = {name: new_user(name, role) for name, role in _ROLES.items()}
    viewer = new_user("viewer", Role.VIEWER)
    rest = dict.fromkeys(("second_founder", "auditor", "second_auditor", "outsider"), viewer)
    return Users(**by_role, **rest, viewer=viewer), new_user(
        "admin", Role.FOUNDER, is_superuser=True
    )


def _fill_the_queue(users: Users) -> None:
    """Add ELIGIBLE contracts until the queue has a full page, in the smallest database too."""
    ours = SystemContract.objects.filter(proposed_by=users.operator, status=ContractStatus.ELIGIBLE)
    for _ in range(PAGE + 1 - len(ours[: PAGE + 1])):
        eligible(users, reference=f"BENCHMARK-{uuid4()}", risk_level="critical")


def _session_of(person: Account) -> str:
    """Return the key of a new session in which the person is logged in."""
    session = SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.create()
    return str(session.session_key)


def _post(client: httpx.Client, address: str, body: Mapping[str, Any]) -> httpx.Response:
    return client.post(address, json=body, headers={"Idempotency-Key": str(uuid4())})


def _posting(
    client: httpx.Client, address: str, body: Mapping[str, Any]
) -> Callable[[], httpx.Response]:
    return lambda: _post(client, address, body)
