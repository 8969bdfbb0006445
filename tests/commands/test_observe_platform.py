"""`observe_platform`: what it prints, and its exit codes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import run
from tests.support.drifting import LIMIT_30, observed_platform
from tests.support.factories import running_job
from tests.support.repositories import BareRepository
from tests.support.users import Users


@pytest.fixture
def repository(users: Users, tmp_path: Path) -> Iterator[BareRepository]:
    with observed_platform(tmp_path) as bare:
        yield bare


def test_platform__as_recorded__exits_with_0(repository: BareRepository) -> None:
    ran = run("observe_platform")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == "2 agrees, 0 drifts, 0 changing, 0 unobserved\n"


def test_platform__that_drifts__exits_with_1_and_says_where(repository: BareRepository) -> None:
    repository.person_sets("Billing", "limit", 30)
    repository.person_sets("Billing", "lifecycle", "PREVIEW")
    ran = run("observe_platform", "Billing")
    assert ran.code == 1
    assert ran.out.splitlines() == [
        'Billing: lifecycle is "PREVIEW" on the platform and "LAUNCHED" in the registry',
        'Billing: "limit" is 30 on the platform and 20 in the registry',
        "0 agrees, 1 drifts, 0 changing, 0 unobserved",
    ]


def test_json__has_each_difference(repository: BareRepository) -> None:
    repository.person_sets("Billing", "limit", 30)
    repository.person_sets("Billing", "lifecycle", "PREVIEW")
    document = run("observe_platform", "Billing", "--json").json()
    [scope] = document["scopes"]
    assert (document["drifts"], scope["scope"], scope["agreement"]) == (1, "Billing", "DRIFTS")
    assert [one["observer"] for one in scope["observations"]] == ["git"]
    assert scope["differences"] == [
        {"key": "lifecycle", "is_lifecycle": True, "recorded": "LAUNCHED", "observed": "PREVIEW"},
        {"key": "limit", "is_lifecycle": False, "recorded": 20, "observed": 30},
    ]


def test_platform__that_cannot_be_read__exits_with_4_and_says_why(
    repository: BareRepository,
) -> None:
    repository.person_writes("{")
    ran = run("observe_platform", "Billing")
    assert ran.code == 4
    assert ran.out.startswith("Billing: not observed: git: platform/settings.json cannot be read.")


def test_scope__without_an_observer__exits_with_4(
    repository: BareRepository, settings: Any
) -> None:
    settings.GOVSITE_EXECUTION_FILE = ""
    ran = run("observe_platform", "Search")
    assert ran.code == 4
    assert ran.out.startswith("Search: not observed: no observer reads it\n")
    ran = run("observe_platform")
    assert ran.code == 0
    assert "No route names an observer that reads a platform outside" in ran.err


def test_scope__on_which_a_job_runs__is_passed_over(
    users: Users, repository: BareRepository
) -> None:
    running_job(users, affected_capabilities=["Billing"], proposed_changes=[LIMIT_30])
    ran = run("observe_platform", "SYSTEM")
    assert ran.code == 0
    assert ran.out.startswith("SYSTEM: not compared, because a job was changing it\n")


def test_scope__that_is_not_registered__exits_with_1(repository: BareRepository) -> None:
    ran = run("observe_platform", "Serach")
    assert ran.code == 1
    assert "scope: Serach is not registered" in ran.err
