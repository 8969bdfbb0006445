"""A load is a record as real as any: every law and the verifier could not tell it from one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth import authenticate

from governance.demo.load import filling
from governance.demo.load.kinds import KINDS, copies_of_each
from governance.ledger.verification import verify_ledger
from governance.models import GovernanceJob, JobStep, SystemContract
from governance.vocabulary.values import ContractStatus, JobStatus
from tests.support.attacks import run_sql
from tests.support.cast import Cast, hire_cast
from tests.support.commands import run
from tests.support.databases import cloned, ensure_template
from tests.support.stories import eligible

LAWS = "SELECT tgrelid::regclass::text, tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal"


@pytest.fixture
def own_database(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Where nobody is yet, and commits are real."""
    with django_db_blocker.unblock(), cloned(ensure_template()):
        yield


def findings() -> list[Any]:
    return [checked.finding for checked in verify_ledger() if checked.finding]


def test_make_load__empty_database__holds_the_mix_and_verifies(own_database: None) -> None:
    laws = sorted(run_sql(LAWS))
    ran = run("make_load", "--contracts", "40", "--yes", "--json")
    assert ran.code == 0, ran.err
    told = json.loads(ran.out)
    assert told["contracts"] == 40 == SystemContract.objects.count()
    founder = next(one for one in told["logins"] if one["username"] == "founder")
    assert authenticate(username="founder", password=founder["password"])

    assert run("make_load", "--contracts", "160", "--yes").code == 1
    assert run("make_load", "--contracts", "160", "--yes", "--more", "--seed", "3").code == 0
    assert findings() == []
    assert sorted(run_sql(LAWS)) == laws

    statuses = Counter(SystemContract.objects.values_list("status", flat=True))
    assert set(statuses) == set(ContractStatus) - {ContractStatus.VALIDATED}
    assert 100 < statuses["COMPLETED"] < statuses.total() == 200
    assert set(GovernanceJob.objects.values_list("status", flat=True)) == set(JobStatus)
    assert JobStep.objects.filter(step_index=19).exists()
    assert SystemContract.objects.values("affected_capabilities").distinct().count() > 50


def test_make_load__where_a_real_contract_is__refused_and_nothing_is_made(
    own_database: None,
) -> None:
    eligible(hire_cast())
    for more in ([], ["--more"]):
        ran = run("make_load", "--contracts", "40", "--yes", *more)
        assert ran.code == 1
        assert "(not_empty)" in ran.err
    assert SystemContract.objects.count() == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["--contracts", "40"], "not_confirmed"), (["--contracts", "3", "--yes"], "too_few")],
)
def test_make_load__asked_wrongly__refused(cast: Cast, arguments: list[str], code: str) -> None:
    ran = run("make_load", *arguments)
    assert ran.code == 1
    assert f"({code})" in ran.err
    assert not SystemContract.objects.exists()


def test_make_load__fails_half_way__the_laws_are_awake(own_database: None) -> None:
    laws = sorted(run_sql(LAWS))
    usual = filling.laws_away
    calls: list[str] = []

    def failing(using: str) -> Any:
        calls.append(using)
        if len(calls) == 2:
            raise RuntimeError("the power went")
        return usual(using)

    with patch.object(filling, "laws_away", failing), pytest.raises(RuntimeError):
        run("make_load", "--contracts", "40", "--yes")
    assert sorted(run_sql(LAWS)) == laws
    assert findings() == []


@pytest.mark.parametrize("contracts", [len(KINDS), 31, 1_000, 1_000_000])
def test_copies__of_each_kind__make_the_whole_with_the_originals(contracts: int) -> None:
    copies = copies_of_each(contracts)
    assert min(copies) >= 0
    assert sum(copies) + len(KINDS) == contracts
