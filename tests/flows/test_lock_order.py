"""Tests of the lock order: the SQL of every transaction locks the contract before its job.

A transaction that holds the contract never waits for the job, so two of them cannot deadlock.
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
from governance.authorities.contract import operations as contracts
from governance.authorities.orchestrator.facade import GovernanceOrchestrator
from governance.domain.errors import GovernanceError
from governance.domain.values import (
    ActivationWindow,
    AuditVerdict,
    ContractStatus,
    HealthDecision,
    StepStatus,
)
from governance.flows import run_job
from governance.flows.activate_contract import activate_contract
from governance.flows.approve_rollback import approve_pre_authorised
from governance.flows.audit_by_machine import ask_for_attempt, audit_job
from governance.flows.close_breaker import let_handler_run_again
from governance.flows.expire_review import expire_review, expire_window
from governance.flows.propose_contract import propose_again
from governance.flows.propose_rollback import ask_for_rollback
from governance.flows.record_fault import record_fault
from governance.flows.review_contract import (
    answer_clarification,
    approve_contract,
    comment_on_contract,
    reject_contract,
    request_clarification,
    withdraw_approval,
)
from governance.flows.run_by_worker import _start as start_by_worker
from governance.models import Notice
from governance.services.breakers.operations import admit_run
from governance.services.freezes.operations import lift_active_freezes
from governance.services.idempotency.requests import run_idempotent_parts, run_idempotent_request
from governance.services.idempotency.stored_responses import IdempotentRequest, StoredResponse
from governance.services.notices.operations import mark_read
from governance.services.registry.operations import register_capabilities
from tests.support.audits import observed_job
from tests.support.breakers import HANDLER, closed, faulted, opened
from tests.support.clock import as_of
from tests.support.factories import (
    MAY,
    MAY_NOT,
    VALIDATOR_VERDICT,
    Running,
    approved,
    asked,
    contract_in,
    draft,
    eligible,
    finished_job,
    now,
    pending_job,
    running_job,
)
from tests.support.freezes import frozen, lifted
from tests.support.observations import observe
from tests.support.platform import signal
from tests.support.rollbacks import (
    authorised_rollback,
    failed_contract,
    half_done,
    judge_fail,
    register_search,
    rollback_of,
)
from tests.support.signing import as_seen
from tests.support.succession import modify
from tests.support.users import Users
from tests.support.verdicts import judge, settle
from tests.support.writing_calls import CALLS, called_by, touched_by

Operation = Callable[[], Any]
ROOT = Path(governance.__file__).parent
LATER = timedelta(days=30)
REASON = "Not this quarter, sorry."


def _verdicts(users: Users, eligibility: dict[str, Any] = MAY) -> Operation:
    contract = draft(users)
    return lambda: contracts.record_review_verdicts(
        contract_id=contract.pk,
        validator_verdict=VALIDATOR_VERDICT,
        eligibility_verdict=eligibility,
        actor=users.operator,
    )


def _approve(users: Users) -> Operation:
    contract = eligible(users)
    seen = as_seen(contract)
    return lambda: approve_contract(
        contract_id=contract.pk,
        founder=users.founder,
        window=ActivationWindow(now(), now() + timedelta(hours=24)),
        **seen,
    )


def _reject(users: Users) -> Operation:
    contract_id = eligible(users).pk
    return lambda: reject_contract(contract_id=contract_id, founder=users.founder, reason=REASON)


def _expire(users: Users) -> Operation:
    contract_id = eligible(users).pk
    return lambda: as_of(
        now() + LATER, contracts.expire_contract, contract_id=contract_id, actor=users.operator
    )


def _lapse(users: Users) -> Operation:
    contract_id = approved(users).pk
    return lambda: as_of(
        now() + LATER,
        contracts.fail_contract_past_window,
        contract_id=contract_id,
        actor=users.operator,
    )


def _activate(users: Users) -> Operation:
    contract_id = approved(users).pk
    return lambda: activate_contract(contract_id=contract_id, actor=users.operator)


def _claim(users: Users) -> Operation:
    pending_job(users)
    return lambda: GovernanceOrchestrator.claim_job(executor=users.executor)


def _observe(users: Users) -> Operation:
    running = running_job(users)
    return lambda: observe(running)


def _start(users: Users) -> Operation:
    job_id = pending_job(users).pk
    return lambda: GovernanceOrchestrator.start_job(job_id=job_id, executor=users.executor)


def _report(users: Users) -> Operation:
    running = running_job(users)
    return lambda: running.record(running.report(0))


def _report_all(users: Users) -> Operation:
    running = running_job(users)
    return lambda: GovernanceOrchestrator.record_step_results(
        job_id=running.job.pk,
        token=running.token,
        reports=[running.report(index) for index in range(running.job.total_steps)],
        executor=users.executor,
    )


def _keyed(users: Users) -> Operation:
    """Return an idempotent request whose transaction locks and activates a contract."""
    contract_id = approved(users).pk

    def work() -> StoredResponse:
        activate_contract(contract_id=contract_id, actor=users.operator)
        return StoredResponse(201, {}, b"{}")

    def refused(refusal: GovernanceError) -> StoredResponse:
        raise refusal

    return lambda: run_idempotent_request(IdempotentRequest("key", "0" * 64), work, refused=refused)


def _in_parts(users: Users) -> Operation:
    return lambda: run_idempotent_parts(
        IdempotentRequest("key", "0" * 64), lambda: (StoredResponse(200, {}, b"{}"), True)
    )


def _on_condition(users: Users) -> Operation:
    job = pending_job(users)
    client = APIClient()
    client.force_authenticate(users.operator)
    url = f"/api/v1/jobs/{job.pk}/cancel/"
    return lambda: client.post(url, {"reason": REASON}, HTTP_IF_MATCH="*", secure=True)


def _all_reported(users: Users) -> Running:
    running = running_job(users)
    running.complete_steps()
    return running


def _complete(users: Users) -> Operation:
    return _all_reported(users).complete


def _complete_failed(users: Users) -> Operation:
    running = running_job(users)
    running.record(running.report(0, StepStatus.FAILED))
    return running.complete


def _cancel(users: Users) -> Operation:
    return running_job(users).cancel


def _give_up(users: Users) -> Operation:
    job_id = running_job(users).job.pk
    return lambda: as_of(
        now() + LATER, run_job.fail_timed_out_job, job_id=job_id, actor=users.operator
    )


def _judge(users: Users, verdict: AuditVerdict = AuditVerdict.PASS) -> Operation:
    job = finished_job(users)
    return lambda: judge(job, users.auditor, verdict=verdict)


def _audit(users: Users) -> Operation:
    job_id = observed_job(users).pk
    return lambda: audit_job(job_id=job_id)


def _audit_once(users: Users) -> Operation:
    job_id = finished_job(users).pk
    return lambda: audit_job(job_id=job_id)


def _audit_twice(users: Users) -> Operation:
    job_id = finished_job(users).pk
    return lambda: as_of(now() + LATER, audit_job, job_id=job_id)


def _ask_for_attempt(users: Users) -> Operation:
    job = finished_job(users)
    judge(job, users.auditor, verdict=AuditVerdict.INCONCLUSIVE)
    return lambda: ask_for_attempt(job_id=job.pk, person=users.second_auditor)


def _settle(users: Users) -> Operation:
    job = finished_job(users)
    judge(job, users.auditor, verdict=AuditVerdict.INCONCLUSIVE)
    return lambda: settle(job, users.second_auditor)


def _lift(users: Users) -> Operation:
    freeze = frozen(users)
    return lambda: lifted(users, freeze)


def _lift_all(users: Users) -> Operation:
    frozen(users)
    return lambda: lift_active_freezes(reason="Over.", founder=users.founder)


def _register(users: Users) -> Operation:
    return lambda: register_capabilities(documents=[{"name": "Search"}])


def _ask(users: Users) -> Operation:
    contract = eligible(users)
    return lambda: request_clarification(
        contract_id=contract.pk, founder=users.founder, question="Why now?"
    )


def _answer(users: Users) -> Operation:
    contract = asked(users)
    return lambda: answer_clarification(
        contract_id=contract.pk, person=users.operator, answer="The sale begins."
    )


def _mark_read(users: Users) -> Operation:
    asked(users)
    ids = [notice.pk for notice in Notice.objects.all()]
    return lambda: mark_read(notice_ids=ids, person=users.operator)


def _expire_with_notice(users: Users) -> Operation:
    contract_id = eligible(users).pk
    return lambda: as_of(
        now() + LATER, expire_review, contract_id=contract_id, actor=users.operator
    )


def _lapse_with_notice(users: Users) -> Operation:
    contract_id = approved(users).pk
    return lambda: as_of(
        now() + LATER, expire_window, contract_id=contract_id, actor=users.operator
    )


def _open_breaker(users: Users) -> Operation:
    job = pending_job(users)
    faulted("registry")
    return lambda: record_fault(
        handlers={"registry"},
        faulty="registry",
        fault="KeyError",
        job_id=job.pk,
        contract_id=job.contract_id,
    )


def _admit(users: Users) -> Operation:
    faulted()
    job_id = pending_job(users).pk
    return lambda: admit_run(handlers=[HANDLER], job_id=job_id)


def _record_run(users: Users) -> Operation:
    return opened


def _close(users: Users) -> Operation:
    opened()
    return lambda: closed(users)


def _run_again(users: Users) -> Operation:
    opened()
    pending_job(users)
    return lambda: let_handler_run_again(handler=HANDLER, reason=REASON, actor=users.operator)


def _start_by_worker(users: Users) -> Operation:
    job_id = pending_job(users).pk
    return lambda: start_by_worker(job_id, handlers={HANDLER}, executor=users.executor)


def _comment(users: Users) -> Operation:
    contract = eligible(users)
    return lambda: comment_on_contract(
        contract_id=contract.pk, person=users.viewer, text="Looks good."
    )


def _modify(users: Users) -> Operation:
    contract = eligible(users)
    return lambda: modify(contract, users.founder)


def _withdraw(users: Users) -> Operation:
    contract, reason = approved(users), "The release was called off."
    return lambda: withdraw_approval(contract_id=contract.pk, founder=users.founder, reason=reason)


def _repeat(users: Users) -> Operation:
    contract = contract_in(users, ContractStatus.REJECTED)
    return lambda: propose_again(contract_id=contract.pk, proposer=users.operator)


def _fail_half_done(users: Users) -> Operation:
    register_search(users)
    job = half_done(users)
    return lambda: judge_fail(users, job)


def _approve_rollback(users: Users) -> Operation:
    register_search(users)
    rollback = authorised_rollback(users)
    return lambda: approve_pre_authorised(contract_id=rollback.pk)


def _ask_for_rollback(users: Users) -> Operation:
    register_search(users)
    failed = failed_contract(users)
    reject_contract(contract_id=rollback_of(failed).pk, founder=users.founder, reason=REASON)
    return lambda: ask_for_rollback(contract_id=failed.pk, person=users.operator)


# The functions that open a transaction, or are one call that is a transaction, with every branch
# that locks or writes differently.
OPERATIONS: dict[str, list[Callable[[Users], Operation]]] = {
    "authorities/contract/creation.py:create_contract": [lambda users: lambda: eligible(users)],
    "authorities/contract/creation.py:create_draft": [lambda users: lambda: draft(users)],
    "authorities/contract/operations.py:record_review_verdicts": [
        _verdicts,
        lambda users: _verdicts(users, MAY_NOT),
    ],
    "authorities/contract/operations.py:expire_contract": [_expire],
    "authorities/contract/operations.py:fail_contract_past_window": [_lapse],
    "flows/review_contract.py:approve_contract": [_approve],
    "flows/review_contract.py:reject_contract": [_reject],
    "flows/review_contract.py:withdraw_approval": [_withdraw],
    "flows/propose_contract.py:propose_again": [_repeat],
    "flows/approve_rollback.py:approve_pre_authorised": [_approve_rollback],
    "flows/propose_rollback.py:_propose": [_fail_half_done],
    "flows/propose_rollback.py:ask_for_rollback": [_ask_for_rollback],
    "flows/review_contract.py:request_clarification": [_ask],
    "flows/review_contract.py:answer_clarification": [_answer],
    "flows/modify_scope.py:modify_scope": [_modify],
    "services/freezes/operations.py:start_freeze": [lambda users: lambda: frozen(users)],
    "services/freezes/operations.py:lift_freeze": [_lift],
    "services/freezes/operations.py:lift_active_freezes": [_lift_all],
    "authorities/contract/comments.py:add_comment": [_comment],
    "flows/activate_contract.py:activate_contract": [_activate],
    "authorities/orchestrator/tracking.py:_start": [_claim, _start],
    "authorities/orchestrator/tracking.py:_record": [_report, _report_all],
    "flows/expire_review.py:expire_review": [_expire_with_notice],
    "flows/expire_review.py:expire_window": [_lapse_with_notice],
    "flows/record_fault.py:record_fault": [_open_breaker],
    "flows/run_job.py:complete_job": [_complete, _complete_failed],
    "flows/run_job.py:cancel_job": [_cancel],
    "flows/run_job.py:fail_timed_out_job": [_give_up],
    "flows/audit_job.py:give_verdict": [
        _judge,
        lambda users: _judge(users, AuditVerdict.FAIL),
        lambda users: _judge(users, AuditVerdict.INCONCLUSIVE),
    ],
    "flows/audit_job.py:resolve_audit": [_settle],
    "flows/audit_by_machine.py:audit_job": [_audit, _audit_once, _audit_twice],
    "flows/audit_by_machine.py:_keep_first_attempt": [_audit_once],
    "flows/audit_by_machine.py:_conclude": [_audit],
    "flows/audit_by_machine.py:ask_for_attempt": [_ask_for_attempt],
    "services/idempotency/requests.py:_run": [_keyed],
    "services/idempotency/requests.py:_begin": [_in_parts],
    "api/idempotency.py:_with_if_match": [_on_condition],
    "api/idempotency.py:locked": [_on_condition],
    "services/notices/operations.py:mark_read": [_mark_read],
    "services/breakers/operations.py:admit_run": [_admit],
    "services/breakers/operations.py:record_run": [_record_run],
    "services/breakers/operations.py:close_breaker": [_close],
    "flows/close_breaker.py:let_handler_run_again": [_run_again],
    "flows/run_by_worker.py:_start": [_start_by_worker],
    "authorities/orchestrator/observations.py:record_observations": [_observe],
    "services/registry/operations.py:register_capabilities": [_register],
    "authorities/health/signals.py:record_signal": [
        lambda users: lambda: signal(users, HealthDecision.HEALTHY),
    ],
}


def test_every_function__that_is_a_transaction__is_tested_here() -> None:
    found = set()
    for path in sorted(set(ROOT.rglob("*.py")) - {ROOT / "db" / "transactions.py"}):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and (
                "retried" in map(ast.unparse, node.decorator_list)
                or any(
                    isinstance(inner, ast.With)
                    and ast.unparse(inner.items[0]) == "write_transaction()"
                    for inner in ast.walk(node)
                )
            ):
                found.add(f"{path.relative_to(ROOT)}:{node.name}")
    assert found == set(OPERATIONS)


@pytest.mark.parametrize(
    ("name", "prepare"),
    [(name, prepare) for name, ways in OPERATIONS.items() for prepare in ways],
    ids=[f"{name}-{number}" for name, ways in OPERATIONS.items() for number in range(len(ways))],
)
def test_transaction__whatever_it_locks__locks_the_contract_first(
    users: Users, name: str, prepare: Callable[[Users], Operation]
) -> None:
    run = prepare(users)
    with CaptureQueriesContext(connection) as captured:
        run()
    statements = [query["sql"] for query in captured]
    assert complaint_about(statements) is None
    kept = any(LEDGER in touched(sql) for sql in statements)
    assert kept == (
        not name.startswith(
            (
                "services/registry/",
                "flows/close_breaker",
                "flows/record_fault",
                "services/breakers/",
                "services/freezes/",
                "services/notices/",
                "authorities/health/",
                "authorities/orchestrator/observations",
                "authorities/contract/comments",
            )
        )
        and not name.endswith(":_begin")
    )


CONTRACT, JOB, LEDGER = (
    f"governance_{name}" for name in ("systemcontract", "governancejob", "ledgerentry")
)


def complaint_about(statements: list[str]) -> str | None:
    """Return the first violation of the lock order in these statements, or None."""
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
    """Return the tables whose rows a statement locks or writes, in that order."""
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
    # Without OF, the statement locks the rows of every table that it reads.
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
def test_call__that_writes_a_transaction__locks_the_contract_first(name: str) -> None:
    tables = touched_by(name)
    assert tables[0] == CONTRACT
    assert {JOB, LEDGER} <= set(tables)
