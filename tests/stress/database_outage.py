"""The attack `database-outage`: the database is stopped, then paused.

The site must answer 503 meanwhile, and must work again by itself when the database is back.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from urllib.parse import urlsplit

import httpx
import psutil
import psycopg
from django.core.management import call_command
from django.db import connections
from django.test import Client

from govsite.embedded import APP_ROLE
from govsite.embedded.base import ensure_role
from govsite.embedded.cluster import Cluster
from govsite.embedded.orphans import postgres_processes_in
from tests.stress.attack import Advance, AttackResult, attack, require
from tests.stress.proof import require_whole_record
from tests.support.factories import approved
from tests.support.rounds import WorkerThreads
from tests.support.site_process import connected_to
from tests.support.sites import client_of, running_site
from tests.support.users import Users, create_users

MAX_ANSWER_SECONDS = 10.0  # for any response during the outage
MAX_RETURN_SECONDS = 15.0
MIN_PAUSE_SECONDS = 4
BETWEEN_CALLS = 0.1


@dataclass(frozen=True)
class RecordedAnswer:
    """One response: the call, its times, and whether the response reports an outage correctly."""

    call: str
    began: float
    ended: float
    status: int
    is_outage_answer: bool


@dataclass
class Callers:
    """Threads that repeat one call each, and the responses that they got."""

    calls: Mapping[str, Callable[[], httpx.Response]]
    recorded: list[RecordedAnswer] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    over: Event = field(default_factory=Event)

    def ask(self, call: str) -> None:
        while not self.over.wait(BETWEEN_CALLS):
            began = time.monotonic()
            try:
                answer = self.calls[call]()
            except httpx.HTTPError as trouble:
                self.troubles.append(f"{call}: {trouble!r}")
                return
            self.recorded.append(
                RecordedAnswer(
                    call,
                    began,
                    time.monotonic(),
                    answer.status_code,
                    is_outage_answer(call, answer),
                )
            )

    def work(self, *, since: float) -> set[str]:
        """Return the calls that succeeded at least once, among those that began after `since`."""
        return {
            recorded.call
            for recorded in self.recorded
            if recorded.began > since and recorded.status < 500
        }


@attack(
    "database-outage",
    "the database stopped for so long, then paused for a third of it",
    unit="seconds",
    short=4,
    long=45,
)
def database_outage(count: int, advance: Advance) -> AttackResult:
    with ExitStack() as stack:
        cluster = stack.enter_context(own_cluster())
        users = create_users()
        address = stack.enter_context(running_site())
        callers = Callers(client_calls(stack, address, users))
        threads = stack.enter_context(WorkerThreads(len(callers.calls)))
        stack.callback(callers.over.set)
        asking = [threads.submit(callers.ask, call) for call in callers.calls]
        before = web_processes(address)
        seconds_until_all_work(callers, time.monotonic())
        connections.close_all()

        cluster.stop()
        slowest_stopped, counts = watch_outage(callers, count, advance)
        cluster.ensure_running()
        back_stopped = seconds_until_all_work(callers, time.monotonic())

        paused = postgres_processes_in(cluster.path)
        for process in paused:
            process.suspend()
        try:
            slowest_paused, more = watch_outage(
                callers, max(count // 3, MIN_PAUSE_SECONDS), lambda _: 0
            )
        finally:
            for process in paused:
                process.resume()
        back_paused = seconds_until_all_work(callers, time.monotonic())

        callers.over.set()
        for asker in asking:
            asker.result()
        require(web_processes(address) == before, "a web process ended during the outage")
        entries = require_whole_record()
    answers = sum((counts + more).values())
    return AttackResult(
        f"{answers} answers, each 503 with Retry-After, the slowest after {slowest_stopped:.1f} s "
        f"(stopped) and {slowest_paused:.1f} s (paused); all calls worked again after "
        f"{back_stopped:.1f} s and {back_paused:.1f} s; static files were served all the time; "
        f"{entries} entries verify",
        {
            "seconds": count,
            "answers": answers,
            "slowest_stopped_seconds": slowest_stopped,
            "slowest_paused_seconds": slowest_paused,
            "back_stopped_seconds": back_stopped,
            "back_paused_seconds": back_paused,
        },
    )


@contextmanager
def own_cluster() -> Iterator[Cluster]:
    """Run a separate PostgreSQL with the site's tables, and point Django at it."""
    with TemporaryDirectory(dir="/tmp", prefix="gs") as folder:
        cluster = Cluster(Path(folder) / "pg")
        cluster.initialise()
        cluster.ensure_running()
        try:
            with psycopg.connect(
                host=str(cluster.socket_dir), user="postgres", dbname="postgres", autocommit=True
            ) as superuser:
                superuser.execute("CREATE DATABASE govsite")
            ensure_role(str(cluster.socket_dir), APP_ROLE)
            with connected_to(cluster.socket_dir):
                call_command("migrate", verbosity=0)
                yield cluster
        finally:
            cluster.stop()


def client_calls(
    stack: ExitStack, address: str, users: Users
) -> dict[str, Callable[[], httpx.Response]]:
    """Return calls of the API, pages of the admin, and a static file, each with its own client."""
    contract = approved(users)
    api = {
        name: stack.enter_context(client_of(address, person))
        for name, person in [
            ("read", users.viewer),
            ("claim", users.executor),
            ("do", users.operator),
        ]
    }
    browser = Client()
    browser.force_login(users.founder)
    cookies = {name: cookie.value for name, cookie in browser.cookies.items()}
    pages = [
        stack.enter_context(httpx.Client(base_url=address, cookies=cookies, timeout=60))
        for _ in range(2)
    ]
    stranger = stack.enter_context(httpx.Client(base_url=address, timeout=60))
    found = re.search(
        r'name="csrfmiddlewaretoken" value="(\w+)"', stranger.get("/admin/login/").text
    )
    assert found, "the login page has no form"
    form = {"csrfmiddlewaretoken": found[1], "username": "founder", "password": "wrong"}
    static = stack.enter_context(httpx.Client(base_url=address, timeout=60))
    return {
        "GET contracts/": lambda: api["read"].get("contracts/"),
        "POST jobs/claim/": lambda: api["claim"].post("jobs/claim/", json={}),
        "POST activate/": lambda: api["do"].post(f"contracts/{contract.pk}/activate/", json={}),
        "GET /admin/": lambda: pages[0].get("/admin/"),
        "HEAD /admin/login/": lambda: pages[1].head("/admin/login/"),
        "POST /admin/login/": lambda: stranger.post("/admin/login/", data=form),
        "GET /static/": lambda: static.get("/static/admin/css/base.css"),
    }


def is_outage_answer(call: str, answer: httpx.Response) -> bool:
    """Tell whether a response is 503 with Retry-After: a problem document, or an admin page."""
    if answer.status_code != 503 or not answer.headers.get("Retry-After", "").isdigit():
        return False
    if "/admin/" in call:
        page = answer.text
        return answer.headers["Content-Type"].startswith("text/html") and "Traceback" not in page
    is_problem = answer.headers["Content-Type"] == "application/problem+json"
    return is_problem and answer.json()["code"] == "database_unavailable"


def watch_outage(callers: Callers, seconds: int, advance: Advance) -> tuple[float, Counter[str]]:
    """Wait `seconds`; return the slowest response in seconds, and the number of 503 by call."""
    gone_at = time.monotonic()
    for _ in range(seconds):
        time.sleep(1)
        advance(1)
        require(not callers.troubles, f"{callers.troubles[:1]}")
    asked = {call for call in callers.calls if "/static/" not in call}
    while silent := asked - {
        h.call for h in callers.recorded if h.is_outage_answer and h.ended > gone_at
    }:
        waited = time.monotonic() - gone_at
        require(waited < seconds + MAX_ANSWER_SECONDS, f"no response: {silent}")
        time.sleep(0.1)
    recorded = [each for each in callers.recorded if each.ended > gone_at]
    unavailable: Counter[str] = Counter()
    for each in recorded:
        took = each.ended - each.began
        require(took < MAX_ANSWER_SECONDS, f"{each.call} took {took:.1f} s")
        if "/static/" in each.call:
            require(each.status == 200, f"{each.call}: {each.status}")
            continue
        # A call that began before the outage may have succeeded.
        fine = each.is_outage_answer or (each.began < gone_at and each.status < 500)
        require(fine, f"{each.call}: {each.status} during the outage")
        unavailable[each.call] += each.is_outage_answer
    return max(each.ended - each.began for each in recorded), unavailable


def seconds_until_all_work(callers: Callers, back_at: float) -> float:
    """Wait until each call succeeded again; return the time since `back_at` in seconds."""
    while callers.work(since=back_at) != set(callers.calls):
        waited = time.monotonic() - back_at
        require(not callers.troubles, f"{callers.troubles[:1]}")
        require(waited < MAX_RETURN_SECONDS, f"only these work: {callers.work(since=back_at)}")
        time.sleep(0.05)
    return time.monotonic() - back_at


def web_processes(address: str) -> set[int]:
    bound = f"--bind=127.0.0.1:{urlsplit(address).port}"
    return {
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if bound in (process.info["cmdline"] or [])
    }
