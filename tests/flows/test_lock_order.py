"""One order of locks: the contract, then its job. The SQL of every story is read for it.

Whoever has the contract can then always go on, and two stories never wait for each other.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

import governance
from governance.contract import operations as contracts
from governance.flows import run_job
from governance.flows.activate_contract import activate_contract
from governance.flows.answered_once import answer_in_parts, answer_once
from governance.flows.freeze_line import thaw_line
from governance.flows.kept_answers import Answer, Call
from governance.flows.review_contract import (
    answer_clarification,
    approve_contract,
    comment_on_contract,
    reject_contract,
    request_clarification,
)
from governance.registry.operations import register_capabilities
from governance.vocabulary.values import ActivationWindow, AuditVerdict, HealthDecision
from tests.support.cast import Cast
from tests.support.line import frozen, thawed
from tests.support.platform import signal
from tests.support.signing import as_seen
from tests.support.stories import (
    MAY,
    MAY_NOT,
    VALIDATOR_VERDICT,
    Running,
    approved,
    asked,
    draft,
    eligible,
    finished_job,
    now,
    pending_job,
    running_job,
)
from tests.support.succession import modify
from tests.support.verdicts import judge, settle
from tests.support.writing_calls import CALLS, called_by, touched_by

Story = Callable[[], Any]
ROOT = Path(governance.__file__).parent
LATER = timedelta(days=30)
REASON = "Not this quarter, sorry."


def _verdicts(cast: Cast, eligibility: dict[str, Any] = MAY) -> Story:
    contract = draft(cast)
    return lambda: contracts.record_verdicts(
        contract_id=contract.pk,
        validator_verdict=VALIDATOR_VERDICT,
        eligibility_verdict=eligibility,
        actor=cast.operator,
        at=now(),
    )


def _approve(cast: Cast) -> Story:
    contract = eligible(cast)
    seen = as_seen(contract)
    return lambda: approve_contract(
        contract_id=contract.pk,
        founder=cast.founder,
        window=ActivationWindow(now(), now() + timedelta(hours=24)),
        **seen,
        at=now(),
    )


def _reject(cast: Cast) -> Story:
    contract_id = eligible(cast).pk
    return lambda: reject_contract(
        contract_id=contract_id, founder=cast.founder, reason=REASON, at=now()
    )


def _expire(cast: Cast) -> Story:
    contract_id = eligible(cast).pk
    return lambda: contracts.expire_contract(
        contract_id=contract_id, actor=cast.operator, at=now() + LATER
    )


def _lapse(cast: Cast) -> Story:
    contract_id = approved(cast).pk
    return lambda: contracts.lapse_contract(
        contract_id=contract_id, actor=cast.operator, at=now() + LATER
    )


def _activate(cast: Cast) -> Story:
    contract_id = approved(cast).pk
    return lambda: activate_contract(contract_id=contract_id, actor=cast.operator, at=now())


def _claim(cast: Cast) -> Story:
    pending_job(cast)
    return lambda: run_job.claim_job(executor=cast.executor, at=now())


def _start(cast: Cast) -> Story:
    job_id = pending_job(cast).pk
    return lambda: run_job.start_job(job_id=job_id, executor=cast.executor, at=now())


def _report(cast: Cast) -> Story:
    running = running_job(cast)
    return lambda: running.record(running.report(0))


def _report_all(cast: Cast) -> Story:
    running = running_job(cast)
    return lambda: run_job.record_step_results(
        job_id=running.job.pk,
        token=running.token,
        reports=[running.report(index) for index in range(running.job.total_steps)],
        executor=cast.executor,
        at=now(),
    )


def _keyed(cast: Cast) -> Story:
    """A call that is answered once: around a story that locks the contract and moves it."""
    contract_id = approved(cast).pk

    def work() -> Answer:
        activate_contract(contract_id=contract_id, actor=cast.operator, at=now())
        return Answer(201, {}, b"{}")

    return lambda: answer_once(Call("key", "0" * 64), work, at=now())


def _in_parts(cast: Cast) -> Story:
    return lambda: answer_in_parts(
        Call("key", "0" * 64), lambda: (Answer(200, {}, b"{}"), True), at=now()
    )


def _on_condition(cast: Cast) -> Story:
    job = pending_job(cast)
    client = APIClient()
    client.force_authenticate(cast.operator)
    url = f"/api/v1/jobs/{job.pk}/cancel/"
    return lambda: client.post(url, {"reason": REASON}, HTTP_IF_MATCH="*", secure=True)


def _all_reported(cast: Cast) -> Running:
    running = running_job(cast)
    running.complete_steps()
    return running


def _complete(cast: Cast) -> Story:
    return _all_reported(cast).complete


def _cancel(cast: Cast) -> Story:
    return running_job(cast).cancel


def _give_up(cast: Cast) -> Story:
    job_id = running_job(cast).job.pk
    return lambda: run_job.fail_timed_out_job(job_id=job_id, actor=cast.operator, at=now() + LATER)


def _judge(cast: Cast, verdict: AuditVerdict = AuditVerdict.PASS) -> Story:
    job = finished_job(cast)
    return lambda: judge(job, cast.auditor, verdict=verdict)


def _settle(cast: Cast) -> Story:
    job = finished_job(cast)
    judge(job, cast.auditor, verdict=AuditVerdict.INCONCLUSIVE)
    return lambda: settle(job, cast.second_founder)


def _thaw(cast: Cast) -> Story:
    freeze = frozen(cast)
    return lambda: thawed(cast, freeze)


def _thaw_all(cast: Cast) -> Story:
    frozen(cast)
    return lambda: thaw_line(reason="Over.", founder=cast.founder, at=now())


def _register(cast: Cast) -> Story:
    return lambda: register_capabilities(documents=[{"name": "Search"}])


# The functions that open a story, and every way through each that locks or writes differently.
def _ask(cast: Cast) -> Story:
    contract = eligible(cast)
    return lambda: request_clarification(
        contract_id=contract.pk, founder=cast.founder, question="Why now?", at=now()
    )


def _answer(cast: Cast) -> Story:
    contract = asked(cast)
    return lambda: answer_clarification(
        contract_id=contract.pk, person=cast.operator, answer="The sale begins.", at=now()
    )


def _comment(cast: Cast) -> Story:
    contract = eligible(cast)
    return lambda: comment_on_contract(
        contract_id=contract.pk, person=cast.viewer, text="Looks good.", at=now()
    )


def _modify(cast: Cast) -> Story:
    contract = eligible(cast)
    return lambda: modify(contract, cast.founder)


STORIES: dict[str, list[Callable[[Cast], Story]]] = {
    "contract/operations.py:create_contract": [lambda cast: lambda: eligible(cast)],
    "contract/operations.py:draft_contract": [lambda cast: lambda: draft(cast)],
    "contract/operations.py:record_verdicts": [
        _verdicts,
        lambda cast: _verdicts(cast, MAY_NOT),
    ],
    "contract/operations.py:approve_contract": [_approve],
    "contract/operations.py:reject_contract": [_reject],
    "contract/operations.py:expire_contract": [_expire],
    "contract/operations.py:lapse_contract": [_lapse],
    "review/operations.py:reject": [_reject],
    "review/line.py:freeze_line": [lambda cast: lambda: frozen(cast)],
    "review/line.py:thaw_freeze": [_thaw],
    "review/line.py:thaw_line": [_thaw_all],
    "contract/clarifications.py:request_clarification": [_ask],
    "contract/clarifications.py:answer_clarification": [_answer],
    "contract/succession.py:supersede_contract": [_modify],
    "review/operations.py:modify_scope": [_modify],
    "review/operations.py:request_clarification": [_ask],
    "review/operations.py:answer_clarification": [_answer],
    "contract/comments.py:add_comment": [_comment],
    "orchestrator/activation.py:activate_contract": [_activate],
    "orchestrator/tracking.py:claim_job": [_claim],
    "orchestrator/tracking.py:start_job": [_start],
    "orchestrator/tracking.py:_record_due": [_report],
    "orchestrator/tracking.py:_record": [_report_all],
    "orchestrator/tracking.py:complete_job": [_complete],
    "orchestrator/tracking.py:cancel_job": [_cancel],
    "orchestrator/tracking.py:fail_timed_out_job": [_give_up],
    "flows/audit_job.py:record_verdict": [
        _judge,
        lambda cast: _judge(cast, AuditVerdict.FAIL),
        lambda cast: _judge(cast, AuditVerdict.INCONCLUSIVE),
    ],
    "flows/audit_job.py:resolve_audit": [_settle],
    "flows/answered_once.py:_answer_once": [_keyed],
    "flows/answered_once.py:_begin": [_in_parts],
    "flows/answered_once.py:_end": [_in_parts],
    "api/idempotency.py:_on_condition": [_on_condition],
    "api/idempotency.py:locked": [_on_condition],
    "registry/operations.py:register_capabilities": [_register],
    "health/signals.py:record_signal": [
        lambda cast: lambda: signal(cast, HealthDecision.HEALTHY),
    ],
}


def test_every_function__that_opens_a_story__is_read_here() -> None:
    found = set()
    for path in sorted(set(ROOT.rglob("*.py")) - {ROOT / "ledger" / "story.py"}):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and any(
                isinstance(inner, ast.With)
                and ast.unparse(inner.items[0]) in ("story()", "short_story()")
                for inner in ast.walk(node)
            ):
                found.add(f"{path.relative_to(ROOT)}:{node.name}")
    assert found == set(STORIES)


@pytest.mark.parametrize(
    ("name", "prepare"),
    [(name, prepare) for name, ways in STORIES.items() for prepare in ways],
    ids=[f"{name}-{number}" for name, ways in STORIES.items() for number in range(len(ways))],
)
def test_story__whatever_it_locks__takes_the_contract_first(
    cast: Cast, name: str, prepare: Callable[[Cast], Story]
) -> None:
    tell = prepare(cast)
    with CaptureQueriesContext(connection) as told:
        tell()
    statements = [query["sql"] for query in told]
    assert complaint_about(statements) is None
    kept = any(LEDGER in touched(sql) for sql in statements)
    assert kept == (
        not name.startswith(("registry/", "health/", "review/line", "contract/comments"))
        and not name.endswith((":_begin", ":_end"))
    )


CONTRACT, JOB, LEDGER = (
    f"governance_{name}" for name in ("systemcontract", "governancejob", "ledgerentry")
)


def complaint_about(statements: list[str]) -> str | None:
    """What is wrong with the order in which these statements lock or write rows, if anything."""
    contract_is_ours = False
    for sql in statements:
        tables = touched(sql)
        if CONTRACT in tables and tables[0] != CONTRACT and "SKIP LOCKED" not in sql:
            return f"the contract is not the first: {sql}"
        if sql.startswith("UPDATE") and CONTRACT in tables and not contract_is_ours:
            return f"the contract is written, and was not locked: {sql}"
        contract_is_ours |= CONTRACT in tables
        if {JOB, LEDGER} & set(tables) and not contract_is_ours:
            return f"the contract is not locked yet: {sql}"
    return None


def touched(sql: str) -> list[str]:
    """The tables whose rows a statement locks or writes, in the order in which it comes to them."""
    if written := re.match(r'(?:INSERT INTO|UPDATE|DELETE FROM) "(\w+)"', sql):
        return [written[1]]
    if call := called_by(sql):
        return touched_by(call)
    if not (locking := re.search(r" FOR (?:NO KEY )?UPDATE(?: OF (.*?))?(?: SKIP LOCKED)?$", sql)):
        return []
    if locking[1] == "contract":
        return [CONTRACT]
    if locking[1]:
        return re.findall(r'"(\w+)"', locking[1])
    # Without OF it locks every table that it reads, as they are named.
    return re.findall(r'(?:FROM|JOIN) "?(\w+)"?', sql)


@pytest.mark.parametrize(
    ("statements", "fault"),
    [
        ([f'SELECT 1 FROM "{CONTRACT}" FOR UPDATE', f'UPDATE "{JOB}" SET x = 1'], None),
        ([f'INSERT INTO "{CONTRACT}" (x)', f'INSERT INTO "{LEDGER}" (x)'], None),
        ([f'SELECT 1 FROM "{JOB}" FOR UPDATE'], "not locked yet"),
        ([f'UPDATE "{JOB}" SET x = 1', f'UPDATE "{CONTRACT}" SET x = 1'], "not locked yet"),
        ([f'SELECT 1 FROM "{CONTRACT}"', f'INSERT INTO "{LEDGER}" (x)'], "not locked yet"),
        ([f'SELECT 1 FROM "{JOB}" INNER JOIN "{CONTRACT}" ON x FOR UPDATE'], "not the first"),
        ([f'UPDATE "{CONTRACT}" SET x = 1'], "was not locked"),
    ],
)
def test_complaint__about_statements_in_some_order__names_what_is_wrong(
    statements: list[str], fault: str | None
) -> None:
    complaint = complaint_about(statements)
    assert complaint is None if fault is None else fault in str(complaint)


@pytest.mark.parametrize("name", CALLS)
def test_call__that_writes_a_story__takes_the_contract_first(name: str) -> None:
    tables = touched_by(name)
    assert tables[0] == CONTRACT
    assert {JOB, LEDGER} <= set(tables)
