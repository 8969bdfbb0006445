"""Tests that the measures of workers run, and compare what they say they compare."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connections

from governance.domain.values import JobStatus
from governance.models import GovernanceJob, RegistryChange
from tests.benchmarks.database import owner_session
from tests.benchmarks.mirror_tables import create_mirror_tables
from tests.benchmarks.workers import JOBS_IN_BLOCK, WARM_UP, measure_workers
from tests.support.attacks import run_sql
from tests.support.commands import this_database
from tests.support.databases import cloned, ensure_template

TRIGGER = "SELECT tgenabled FROM pg_trigger WHERE tgname = 'registry_follows_result'"


@pytest.fixture
def bench_environment(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """A database without users, with mirror tables, to which the environment is set."""
    with django_db_blocker.unblock(), cloned(ensure_template()):
        params = connections["owner"].get_connection_params()
        owner = f"postgresql://{params['user']}@/{params['dbname']}?host={params['host']}"
        urls = {"DATABASE_URL": this_database(), "GOVSITE_OWNER_DATABASE_URL": owner}
        with connections["owner"].cursor() as cursor:
            create_mirror_tables(cursor)
        with patch.dict(os.environ, urls):
            yield


@pytest.mark.long
def test_measures_of_workers__in_a_short_run__compare_what_they_name(
    bench_environment: None,
) -> None:
    jobs, delayed = 1, 2
    rates, delays, registry = measure_workers(rounds=1, ops=2, advance=lambda done: None)
    assert (rates.target, delays.target, registry.target) == (0.30, 1000, 1.15)
    assert min(*rates.ours, *rates.baseline, *delays.ours, *registry.ours) > 0
    governed = WARM_UP + jobs + delayed
    assert GovernanceJob.objects.filter(status=JobStatus.COMPLETED).count() == governed
    # In two rounds, of which the first warms up, the registry followed one block of two.
    followed = RegistryChange.objects.exclude(job_id=None).values("job_id").distinct()
    assert followed.count() == governed + 2 * JOBS_IN_BLOCK
    assert run_sql(TRIGGER) == [("A",)]
    with owner_session() as session:
        row = session.execute("SELECT count(*) FROM deferred_job").fetchone()
    assert row == (WARM_UP + jobs,)
