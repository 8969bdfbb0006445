"""Query plans of every page and API call: in a large record each statement uses an index.

The tests call each address of the benchmark once on some thousand contracts and run EXPLAIN on
every statement, with the usual planner settings and row counts that pretend to be much larger.
`make bench-scale` measures with that many rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import resolve
from django.utils import timezone
from rest_framework.test import APIClient

from governance.api.urls import router
from governance.authorities.contract.due import (
    contracts_due_for_activation,
    contracts_past_review,
    contracts_past_window,
    contracts_that_activate_themselves,
)
from governance.authorities.contract.overview import waiting_for
from governance.authorities.contract.queries import search_contracts
from governance.authorities.contract.siblings import open_siblings
from governance.authorities.orchestrator.queries import jobs_past_lease
from governance.authorities.review.queue import QueueFilter, queue_page
from governance.domain.roles import Role
from governance.management.roles import owner_alias
from governance.models import Account, SystemContract
from governance.models.sql import read_sql
from governance.services.access.accounts import assign_role
from tests.benchmarks.load.filling import fill_database
from tests.benchmarks.scale_calls import Sample, calls, pages
from tests.support.admin_permissions import ADMIN_PAGES
from tests.support.attacks import run_sql
from tests.support.databases import cloned, ensure_template
from tests.support.roles import as_owner
from tests.support.tokens import new_token

CONTRACTS = 3_000
# The planner derives row counts from `pg_class.reltuples`, so this makes the tables look larger.
_AS_IF_LARGE = """
    UPDATE pg_class SET reltuples = reltuples * 300
     WHERE relname LIKE 'governance%%' AND relkind = 'r' AND reltuples > 500
"""
BIG = (
    *("systemcontract", "governancejob", "ledgerentry", "jobstep", "stepresult"),
    *("healthsnapshot", "auditevidence", "governanceaudit", "approvalsignature"),
)
_SCANNED = re.compile(rf"Seq Scan on governance_({'|'.join(BIG)})\b")
# A count is bounded by LIMIT, or by the id of one contract, job or request.
_COUNTED = re.compile(r"\bCOUNT\(", re.IGNORECASE)
_BOUNDED = re.compile(r'\bLIMIT (?:\(SELECT )?\d|"(contract|job|request)_id" = ')
_LONG = ("proposed_changes", "validator_verdict", "eligibility_verdict", "plan", "body", "view")


@pytest.fixture(scope="module")
def sample(django_db_setup: None, django_db_blocker: Any) -> Iterator[Sample]:
    with django_db_blocker.unblock(), cloned(ensure_template()):
        fill_database(contracts=CONTRACTS, at=timezone.now(), using=owner_alias())
        Account.objects.create_user("benchmark-operator")
        with as_owner():
            run_sql(_AS_IF_LARGE)
        yield Sample(CONTRACTS)


@pytest.fixture(scope="module")
def asked(sample: Sample, django_db_blocker: Any) -> dict[str, list[str]]:
    """Return the SQL statements of every page and API call, by its name."""
    superuser = Account.objects.get(username="admin")
    assign_role(superuser, Role.FOUNDER)
    browser, reader = Client(), APIClient()
    browser.force_login(superuser)
    reader.credentials(HTTP_AUTHORIZATION=f"Bearer {new_token(superuser)}")
    statements = {}
    for name, addresses in (pages(sample) | calls(sample)).items():
        client, address = browser if name.startswith("admin") else reader, next(addresses)
        with CaptureQueriesContext(connection) as captured:
            answer = client.get(address, secure=True)
        assert answer.status_code == 200, (name, address)
        statements[name] = [query["sql"] for query in captured]
    return statements


def plan_of(sql: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}")
        return "\n".join(line for (line,) in cursor.fetchall())


# Addresses that show no list and no record: forms, downloads and event streams.
LEFT_OUT = re.compile(
    r"_(add|delete|history|answer|cancel|withdraw|repeat|signature_text)$|path:object_id|-events$"
)


def test_benchmark__calls_every_page_and_call_about_contracts_and_jobs(
    sample: Sample, django_db_blocker: Any
) -> None:
    with django_db_blocker.unblock():
        addresses = [next(urls) for urls in (pages(sample) | calls(sample)).values()]
    called_by_name = {resolve(urlsplit(address).path).url_name for address in addresses}
    reads = {"list", "detail", "ledger", "steps", "progress", "evidence", "events"}
    wanted = {name for name in ADMIN_PAGES if re.search(r"_(systemcontract|governancejob)\b", name)}
    wanted |= {
        name for name in ADMIN_PAGES if name.startswith("governance_") and "_changelist" in name
    }
    wanted |= {str(one.name) for one in router.urls if str(one.name).split("-")[-1] in reads}
    missing = {name for name in wanted if not LEFT_OUT.search(name)} - called_by_name
    assert missing == set()


def test_pages_and_calls__in_a_large_record__scan_no_large_table(
    asked: dict[str, list[str]],
) -> None:
    scanning = {
        (name, sql): plan
        for name, statements in asked.items()
        for sql in statements
        if sql.startswith("SELECT") and _SCANNED.search(plan := plan_of(sql))
    }
    assert not scanning, "\n\n".join(f"{key}\n{plan}" for key, plan in scanning.items())


def test_pages_and_calls__of_any_kind__count_no_large_table(asked: dict[str, list[str]]) -> None:
    counting = [
        (name, sql)
        for name, statements in asked.items()
        for sql in statements
        if any(f"governance_{table}" in sql for table in BIG)
        and len(_COUNTED.findall(sql)) > len(_BOUNDED.findall(sql))
    ]
    assert counting == []


def test_lists__of_any_kind__read_no_long_columns(asked: dict[str, list[str]]) -> None:
    reading = [
        (name, column, sql)
        for name, statements in asked.items()
        if re.match(r"(admin|API): (home|queue|contracts|jobs)\b(?!.*capability, )", name)
        for sql in statements
        for column in _LONG
        if f'."{column}"' in sql
    ]
    assert reading == []


def claimable(scope: str) -> str:
    """Return the query by which the SQL function `start_job` finds a job for a token scope."""
    wide, narrow = re.findall(r"SELECT job\.id[^;]*SKIP LOCKED", read_sql("start_job"))
    found = narrow.replace(" token_scope", f" {scope}") if scope else wide
    found = re.sub(r"\bserved\b", "NULL::varchar[]", found)  # the claim of any type of step
    found = re.sub(r"\bbusy\b", "ARRAY['AccountCards']::varchar[]", found)
    return found.replace("INTO picked", "")


def overlapping(scope: str) -> str:
    """Return the query by which the SQL function `governance_overlapping_job` finds a job."""
    [found] = re.findall(r"WITH active AS[^;]*", read_sql("running_scopes"))
    return re.sub(r"\bscope\b", scope, found)


@pytest.mark.parametrize(
    ("searched", "index"),
    [
        (lambda: queue_sql(QueueFilter()), "contract_review_queue"),
        (lambda: queue_sql(QueueFilter(words="marmalade")), "contract_queue_words"),
        (
            lambda: newest(search_contracts(SystemContract.objects, "marmalade")),
            "contract_title_words",
        ),
        (
            lambda: newest(search_contracts(SystemContract.objects, "LOAD-00000001")),
            "contract_proposed_once",
        ),
        (lambda: newest(SystemContract.objects.filter(status="COMPLETED")), "contract_by_status"),
        (lambda: newest(unjudged("verdict")), "contract_awaiting_verdict"),
        (lambda: newest(unjudged("settling")), "contract_awaiting_verdict"),
        (lambda: claimable(""), "job_claimable"),
        (lambda: claimable("ARRAY['AccountAlerts']::varchar[]"), "job_(claimable|by_status)"),
        (
            lambda: overlapping("ARRAY['AccountAlerts']::varchar[]"),
            "contract_open_capabilities",
        ),
        (lambda: sql_of(contracts_past_review(timezone.now())), "contract_expiring"),
        (lambda: sql_of(contracts_past_window(timezone.now())), "contract_window_closing"),
        (lambda: sql_of(contracts_due_for_activation(timezone.now())), "contract_window_closing"),
        (
            lambda: sql_of(contracts_that_activate_themselves(timezone.now())),
            "contract_window_closing",
        ),
        (lambda: sql_of(jobs_past_lease(timezone.now())), "job_running_lease"),
        (lambda: siblings_sql(), "contract_open_capabilities"),
    ],
    ids=[
        "queue",
        "words",
        "title",
        "reference",
        "status",
        "verdict",
        "settling",
        "claim",
        "reach",
        "overlapping",
        "review",
        "window",
        "due",
        "due by itself",
        "lease",
        "siblings",
    ],
)
def test_index__for_a_frequent_query__is_used(
    sample: Sample, django_db_blocker: Any, searched: Callable[[], str], index: str
) -> None:
    with django_db_blocker.unblock():
        plan = plan_of(searched())
    assert re.search(rf"\b{index}\b", plan), plan


def siblings_sql() -> str:
    with CaptureQueriesContext(connection) as captured:
        open_siblings(SystemContract(affected_capabilities=["AccountAlerts"]))
    return str(captured[0]["sql"])


def newest(contracts: Any) -> str:
    return sql_of(contracts.order_by("-created_at", "-id").values("id", "title")[:50])


def unjudged(what: str) -> Any:
    return waiting_for(what, timezone.now(), SystemContract.objects.all())


def sql_of(rows: Any) -> str:
    return str(connection.ops.compose_sql(*rows.query.sql_with_params()))


def queue_sql(wanted: QueueFilter) -> str:
    with CaptureQueriesContext(connection) as captured:
        queue_page(wanted, at=timezone.now())
    return str(captured[0]["sql"])
