"""Tests of the load: its contracts pass every database guard and verify like real ones."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth import authenticate

from governance.domain.values import ContractStatus, JobStatus
from governance.models import GovernanceJob, JobStep, SystemContract
from governance.record.ledger.verification import verify_ledger
from tests.benchmarks.load import filling
from tests.benchmarks.load.__main__ import main
from tests.benchmarks.load.kinds import KINDS, copies_of_each
from tests.support.attacks import run_sql
from tests.support.commands import CommandResult
from tests.support.databases import cloned, ensure_template
from tests.support.factories import eligible
from tests.support.users import Users, create_users

TRIGGERS = (
    "SELECT tgrelid::regclass::text, tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal"
)


@pytest.fixture
def own_database(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """A database without users, in which commits are real."""
    with django_db_blocker.unblock(), cloned(ensure_template()):
        yield


def load(*arguments: str) -> CommandResult:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = main(arguments)
        except SystemExit as leaving:
            code = int(leaving.code or 0)
    return CommandResult(code, out.getvalue(), err.getvalue())


def findings() -> list[Any]:
    return [checked.finding for checked in verify_ledger() if checked.finding]


def test_make_load__empty_database__holds_the_mix_and_verifies(own_database: None) -> None:
    triggers = sorted(run_sql(TRIGGERS))
    ran = load("--contracts", "40", "--confirm", "--json")
    assert ran.code == 0, ran.err
    output = json.loads(ran.out)
    assert output["contracts"] == 40 == SystemContract.objects.count()
    founder = next(one for one in output["logins"] if one["username"] == "founder")
    assert authenticate(username="founder", password=founder["password"])

    assert load("--contracts", "160", "--confirm").code == 1
    assert load("--contracts", "160", "--confirm", "--append", "--seed", "3").code == 0
    assert findings() == []
    assert sorted(run_sql(TRIGGERS)) == triggers

    statuses = Counter(SystemContract.objects.values_list("status", flat=True))
    assert set(statuses) == set(ContractStatus) - {ContractStatus.VALIDATED}
    assert 100 < statuses["COMPLETED"] < statuses.total() == 200
    assert set(GovernanceJob.objects.values_list("status", flat=True)) == set(JobStatus)
    assert JobStep.objects.filter(step_index=19).exists()
    assert SystemContract.objects.values("affected_capabilities").distinct().count() > 50


def test_make_load__where_a_real_contract_is__refused_and_nothing_is_made(
    own_database: None,
) -> None:
    eligible(create_users())
    for extra in ([], ["--append"]):
        ran = load("--contracts", "40", "--confirm", *extra)
        assert ran.code == 1
        assert "(not_empty)" in ran.err
    assert SystemContract.objects.count() == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["--contracts", "40"], "--confirm"), (["--contracts", "3", "--confirm"], "at least 30")],
)
def test_make_load__asked_wrongly__refused(users: Users, arguments: list[str], words: str) -> None:
    ran = load(*arguments)
    assert ran.code == 2
    assert words in ran.err
    assert not SystemContract.objects.exists()


def test_make_load__fails_half_way__the_triggers_are_enabled(own_database: None) -> None:
    triggers = sorted(run_sql(TRIGGERS))
    usual = filling.triggers_disabled
    calls: list[str] = []

    def failing(using: str) -> Any:
        calls.append(using)
        if len(calls) == 2:
            raise RuntimeError("the power went")
        return usual(using)

    with patch.object(filling, "triggers_disabled", failing), pytest.raises(RuntimeError):
        load("--contracts", "40", "--confirm")
    assert sorted(run_sql(TRIGGERS)) == triggers
    assert findings() == []


@pytest.mark.parametrize("contracts", [len(KINDS), 31, 1_000, 1_000_000])
def test_copies__of_each_kind__make_the_whole_with_the_originals(contracts: int) -> None:
    copies = copies_of_each(contracts)
    assert min(copies) >= 0
    assert sum(copies) + len(KINDS) == contracts
