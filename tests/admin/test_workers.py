"""The page of the workers: which run, what waits in their queue, and which jobs wait for them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from governance.admin.workers import TASKS
from governance.models import Account, GovernanceJob
from governance.workers import tasks
from tests.admin.conftest import Browser
from tests.admin.test_plain_words import shown
from tests.support.admin import job_url
from tests.support.factories import apart, pending_job
from tests.support.queue import add_task, add_worker, date_events
from tests.support.routing import routes_file
from tests.support.users import Users

WORKERS = reverse("admin:governance_governancejob_workers")
JOBS = reverse("admin:governance_governancejob_changelist")
START_ONE = "Ask whoever operates the site to start a worker."


@pytest.fixture
def by_itself() -> Iterator[None]:
    """Let jobs run by themselves."""
    with routes_file():
        yield


def page(browser: Client) -> str:
    answer = browser.get(WORKERS)
    assert answer.status_code == 200
    return str(answer.content.decode())


def row_of(text: str, words: str) -> list[str]:
    """Return the cells of a task's row."""
    [row] = [row for row in re.findall(r"<tr>.*?</tr>", text, re.DOTALL) if words in row]
    return [shown(cell) for cell in re.findall(r"<td.*?</td>", row, re.DOTALL)]


# --- the workers ---
def test_page__of_no_worker_and_no_job__says_so(founder_browser: Client) -> None:
    text = shown(page(founder_browser))
    assert "No worker is running" in text
    assert "No job waits for one." in text
    assert START_ONE not in text
    assert "the oldest task" not in text


def test_page__while_a_worker_runs__shows_its_heartbeat_and_tasks(founder_browser: Client) -> None:
    idle, busy = add_worker(silence=timedelta(seconds=42)), add_worker()
    add_task("run_job", worker=busy)
    text = shown(page(founder_browser))
    assert "Workers are running" in text
    assert f"Entry {idle} last heartbeat 42 s ago, 0 tasks running" in text
    assert re.search(rf"Entry {busy} last heartbeat [\d.]+ s ago, 1 task running", text)
    assert "no heartbeat" not in text


@pytest.mark.parametrize(
    ("silence", "is_silent"), [(timedelta(seconds=115), False), (timedelta(seconds=121), True)]
)
def test_worker__without_heartbeat_for_two_minutes__is_marked_and_does_not_run(
    founder_browser: Client, silence: timedelta, is_silent: bool
) -> None:
    add_task("run_job", worker=add_worker(silence=silence))
    text = page(founder_browser)
    assert ("no heartbeat for 2 min" in text) == is_silent
    assert ("No worker is running" in text) == is_silent
    assert ("1 task belongs to workers that stopped." in text) == is_silent
    assert row_of(text, "Run a job") == ["—", "—" if is_silent else "1", "—"]


def test_task__whose_worker_was_removed__counts_as_lost(founder_browser: Client) -> None:
    for _ in range(2):
        add_task("run_job", worker=add_worker())
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_workers")
    assert "2 tasks belong to workers that stopped." in page(founder_browser)


def test_page__with_more_workers_than_it_shows__says_so(
    founder_browser: Client, monkeypatch: Any
) -> None:
    for module in ("admin.workers", "workers.queries"):
        monkeypatch.setattr(f"governance.{module}.MAX_LISTENERS", 2)
    for _ in range(3):
        add_worker()
    text = page(founder_browser)
    assert "the first 2" in text
    assert text.count("last heartbeat") == 2


# --- the jobs ---
def test_page__of_jobs_without_a_worker__says_what_to_do_and_links_them(
    users: Users, founder_browser: Client, by_itself: None
) -> None:
    jobs = [pending_job(users, **apart()) for _ in range(2)]
    add_worker(silence=timedelta(hours=1))
    text = page(founder_browser)
    assert "No worker is running, and 2 jobs wait for one" in shown(text)
    assert START_ONE in text
    assert [text.count(f'href="{job_url(job)}"') for job in jobs] == [1, 1]


def test_page__of_other_tasks_without_a_worker__says_what_to_do(founder_browser: Client) -> None:
    add_task("activate_contract", waiting_since=timedelta(minutes=3))
    text = page(founder_browser)
    assert "No worker is running, and tasks wait for one" in text
    assert START_ONE in text


def test_page__of_jobs_with_a_worker__lists_them_without_alarm(
    users: Users, founder_browser: Client, by_itself: None
) -> None:
    add_worker()
    job = pending_job(users)
    text = page(founder_browser)
    assert "Workers are running" in text
    assert START_ONE not in text
    assert job_url(job) in text
    assert job.contract.title in text


def test_job__of_an_executor__waits_for_no_worker(users: Users, founder_browser: Client) -> None:
    job = pending_job(users)
    assert job_url(job) not in page(founder_browser)


def test_page__of_many_jobs__shows_the_oldest_and_how_many_there_are(
    users: Users, founder_browser: Client, by_itself: None, monkeypatch: Any
) -> None:
    monkeypatch.setattr("governance.admin.workers.MAX_JOBS", 2)
    oldest, second, newest = (pending_job(users, **apart()) for _ in range(3))
    text = page(founder_browser)
    assert "the oldest 2 of 3" in text
    assert text.index(job_url(oldest)) < text.index(job_url(second))
    assert job_url(newest) not in text


# --- the queue ---
def test_queue__with_tasks_in_each_state__counts_them_by_task(founder_browser: Client) -> None:
    worker = add_worker()
    add_task("run_job", worker=worker)
    add_task("run_job")
    date_events(timedelta(minutes=12))
    add_task("run_job", waiting_since=timedelta(minutes=3))
    add_task("activate_contract", waiting_since=-timedelta(hours=5))
    add_task("expire_reviews", failed_since=timedelta(hours=23))
    add_task("expire_reviews", failed_since=timedelta(hours=25))
    text = page(founder_browser)
    assert row_of(text, "Run a job") == ["2, for up to 12 min", "1", "—"]
    assert row_of(text, "Activate a contract when") == ["1 not due yet", "—", "—"]
    assert row_of(text, "End contracts whose review") == ["—", "—", "1"]
    assert row_of(text, "Clean the queue") == ["—", "—", "—"]
    assert "the oldest task has waited 12 min" in text


def test_queue__with_a_task_of_an_unknown_name__counts_it_without_its_name(
    founder_browser: Client,
) -> None:
    add_task("mystery_task")
    text = page(founder_browser)
    assert row_of(text, "Another task")[1:] == ["—", "—"]
    assert "mystery_task" not in text


def test_words__are_those_of_the_tasks_that_workers_have() -> None:
    ours = {name for name in tasks.app.tasks if not name.startswith(("builtin", "procrastinate"))}
    assert set(TASKS) == ours


# --- who sees it, and what it costs ---
def test_navigation__for_those_who_may_view_jobs__has_the_page(
    users: Users, signed_in: Browser
) -> None:
    def items(address: str) -> dict[str, bool]:
        [first, *_] = signed_in(users.viewer).get(address).context["sidebar_navigation"]
        return {item["title"]: item["active"] for item in first["items"]}

    on_workers, on_jobs = items(WORKERS), items(JOBS)
    assert (on_workers["Workers"], on_workers["Jobs"]) == (True, False)
    assert (on_jobs["Workers"], on_jobs["Jobs"]) == (False, True)
    home = signed_in(users.viewer).get(reverse("admin:index")).content.decode()
    assert "Which workers run, and what waits in their queue." in home


def test_page__for_staff_who_may_not_view_jobs__403_and_not_in_the_navigation(
    users: Users, signed_in: Browser
) -> None:
    clerk = Account.objects.create_user("clerk", is_staff=True)
    assert signed_in(clerk).get(WORKERS).status_code == 403
    assert WORKERS not in signed_in(clerk).get(reverse("admin:index")).content.decode()


def test_page__of_more__asks_no_more_queries(
    users: Users, founder_browser: Client, by_itself: None
) -> None:
    counts = []
    for _ in range(2):
        add_task("run_job", worker=add_worker())
        add_task("expire_reviews", failed_since=timedelta(hours=1))
        pending_job(users, **apart())
        with CaptureQueriesContext(connection) as sent:
            page(founder_browser)
        counts.append(len(sent))
    assert counts[0] == counts[1]
    assert GovernanceJob.objects.count() == 2
