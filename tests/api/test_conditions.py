"""Strong entity tags: conditional reads and conditional writes."""

from __future__ import annotations

from typing import Any

import pytest

from governance.domain.errors import VersionMismatchError
from governance.models import GovernanceJob, IdempotencyRecord, SystemContract
from governance.record.ledger.versions import require_version
from tests.api.conftest import ClientFor
from tests.api.support import API, assert_problem, report_body
from tests.support.factories import (
    approved,
    asked,
    finished_job,
    judged_job,
    pending_job,
    reloaded,
    running_job,
    signed,
)
from tests.support.users import Users

NOTHING = '"00000000000000000000000000000000"'


def url_of(subject: Any, action: str = "") -> str:
    kind = "contracts" if isinstance(subject, SystemContract) else "jobs"
    return f"{API}{kind}/{subject.pk}/{action}"


def test_reading__names_a_strong_tag_and_asks_to_revalidate(
    users: Users, client_for: ClientFor
) -> None:
    viewer, job = client_for(users.viewer), pending_job(users)
    for subject in (job, job.contract):
        answer = viewer.get(url_of(subject))
        assert answer.status_code == 200
        assert answer["ETag"].startswith('"')
        assert len(answer["ETag"]) == 34
        assert answer["Cache-Control"] == "private, no-cache"
        assert viewer.get(url_of(subject))["ETag"] == answer["ETag"]
        assert viewer.head(url_of(subject))["ETag"] == answer["ETag"]


@pytest.mark.parametrize("form", ["{}", "W/{}", '"x", {}', "*", '{} , "y"'])
def test_reading__of_what_is_known__304_without_a_body(
    users: Users, client_for: ClientFor, form: str
) -> None:
    viewer, job = client_for(users.viewer), pending_job(users)
    tag = viewer.get(url_of(job))["ETag"]
    answer = viewer.get(url_of(job), HTTP_IF_NONE_MATCH=form.format(tag))
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer["ETag"] == tag
    assert answer["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize("form", [NOTHING, "nonsense", '"', "W/", ""])
def test_reading__of_what_is_not_known__200(users: Users, client_for: ClientFor, form: str) -> None:
    viewer, job = client_for(users.viewer), pending_job(users)
    assert viewer.get(url_of(job), HTTP_IF_NONE_MATCH=form).status_code == 200


def test_reading__of_what_is_known__asks_the_database_less(
    users: Users, client_for: ClientFor, django_assert_max_num_queries: Any
) -> None:
    viewer, job = client_for(users.viewer), judged_job(users)
    tag = viewer.get(url_of(job.contract))["ETag"]
    with django_assert_max_num_queries(2):  # the queries for the token and for the version
        answer = viewer.get(url_of(job.contract), HTTP_IF_NONE_MATCH=tag)
    assert answer.status_code == 304


def test_etag__changes_with_everything_that_is_shown(users: Users, client_for: ClientFor) -> None:
    """Check after each transition that no two different responses share an ETag."""
    viewer, seen = client_for(users.viewer), {}

    def check_etags(*subjects: Any) -> None:
        for subject in subjects:
            answer = viewer.get(url_of(subject))
            known = seen.setdefault((url_of(subject), answer["ETag"]), answer.content)
            assert known == answer.content

    contract = asked(users)
    check_etags(contract)
    running = running_job(users)
    job, contract = running.job, running.job.contract
    check_etags(job, contract)
    running.record(running.report(0))
    check_etags(job, contract)
    for index in (1, 2):
        running.record(running.report(index))
    check_etags(job, contract)
    running.complete()
    check_etags(job, contract)
    tags = [tag for url, tag in seen if url == url_of(job)]
    assert len(tags) == len(set(tags)) == 4


@pytest.mark.parametrize("who", ["operator", "founder", "executor", "auditor"])
def test_etag__when_a_shown_user_is_renamed__changes(
    users: Users, client_for: ClientFor, who: str
) -> None:
    viewer, job = client_for(users.viewer), judged_job(users)
    before = viewer.get(url_of(job))
    person = getattr(users, who)
    person.username = "renamed"
    person.save()
    for subject in (job, job.contract):
        answer = viewer.get(url_of(subject), HTTP_IF_NONE_MATCH=before["ETag"])
        assert answer.status_code == 200
        assert answer["ETag"] != before["ETag"]


def test_etag__when_who_asked_the_open_question_is_renamed__changes(
    users: Users, client_for: ClientFor
) -> None:
    """Rename the asker, who appears nowhere else in the contract's representation."""
    viewer, contract = client_for(users.viewer), asked(users)
    before = viewer.get(url_of(contract))
    assert before.json()["clarification"]["asked_by"] == "founder"
    users.founder.username = "renamed"
    users.founder.save()
    answer = viewer.get(url_of(contract), HTTP_IF_NONE_MATCH=before["ETag"])
    assert answer.status_code == 200
    assert answer.json()["clarification"]["asked_by"] == "renamed"
    assert answer["ETag"] != before["ETag"]
    stale = viewer.get(url_of(contract), HTTP_IF_MATCH=before["ETag"])
    assert_problem(stale, 412, "precondition_failed")
    with pytest.raises(VersionMismatchError):
        require_version("contract", contract.pk, [before["ETag"].strip('"')])
    require_version("contract", contract.pk, [answer["ETag"].strip('"')])


def test_etag__of_a_contract_that_waits_for_a_second_founder__changes_with_each_signature(
    users: Users, client_for: ClientFor, settings: Any
) -> None:
    settings.GOVSITE = settings.GOVSITE | {
        "APPROVALS_REQUIRED": dict.fromkeys(("critical", "high", "medium", "low"), 2)
    }
    viewer, contract = client_for(users.viewer), signed(users)
    once = viewer.get(url_of(contract))
    assert len(once.json()["signatures"]) == 1
    users.founder.username = "renamed"
    users.founder.save()
    renamed = viewer.get(url_of(contract))
    assert renamed["ETag"] != once["ETag"]
    signed(users, reloaded(contract), founder=users.second_founder)
    assert viewer.get(url_of(contract))["ETag"] != renamed["ETag"]


def test_evidence__that_is_known__304(users: Users, client_for: ClientFor) -> None:
    viewer, job = client_for(users.viewer), finished_job(users)
    first = viewer.get(url_of(job, "evidence/"))
    assert first["ETag"] == f'"{job.evidence.sha256}"'
    known = viewer.get(url_of(job, "evidence/"), HTTP_IF_NONE_MATCH=first["ETag"])
    assert (known.status_code, known.content) == (304, b"")
    assert known["X-Evidence-SHA256"] == job.evidence.sha256
    assert viewer.get(url_of(job, "evidence/"), HTTP_IF_NONE_MATCH=NOTHING).status_code == 200


# --- conditional writes ---
def test_call__if_match_current_version__is_carried_out(
    users: Users, client_for: ClientFor
) -> None:
    contract = approved(users)
    operator, executor = client_for(users.operator), client_for(users.executor)
    tag = operator.get(url_of(contract))["ETag"]
    answer = operator.post(url_of(contract, "activate/"), {}, HTTP_IF_MATCH=f'"x", {tag}')
    assert answer.status_code == 201
    job = GovernanceJob.objects.get(contract=contract)
    tag = executor.get(url_of(job))["ETag"]
    assert executor.post(url_of(job, "start/"), {}, HTTP_IF_MATCH=tag).status_code == 200


def test_call__if_match_old_version__412_and_nothing_happens(
    users: Users, client_for: ClientFor
) -> None:
    running = running_job(users)
    executor, job = client_for(users.executor), running.job
    stale = executor.get(url_of(job))["ETag"]
    running.record(running.report(0))
    report = report_body(running.token, step_index=1)
    refused = executor.post(url_of(job, "results/"), report, HTTP_IF_MATCH=stale)
    problem = assert_problem(refused, 412, "precondition_failed")
    assert reloaded(job).current_step_index == 1
    current_version = problem["details"]["version"]
    fresh = executor.post(url_of(job, "results/"), report, HTTP_IF_MATCH=f'"{current_version}"')
    assert fresh.status_code == 201


@pytest.mark.parametrize("tag", [NOTHING, "W/{}", "nonsense", "", '"'])
@pytest.mark.parametrize("action", ["start", "results", "complete", "cancel", "verdict"])
def test_call__if_match_any_other_value__412(
    users: Users, client_for: ClientFor, action: str, tag: str
) -> None:
    running = running_job(users)
    job = running.job
    person, body = {
        "start": (users.executor, {}),
        "results": (users.executor, report_body(running.token)),
        "complete": (users.executor, {"execution_token": running.token}),
        "cancel": (users.operator, {"reason": "No."}),
        "verdict": (
            users.auditor,
            {"verdict": "FAIL", "reason": "No.", "evidence_sha256": "0" * 64},
        ),
    }[action]
    client = client_for(person)
    current_etag = client.get(url_of(job))["ETag"]
    answer = client.post(url_of(job, f"{action}/"), body, HTTP_IF_MATCH=tag.format(current_etag))
    assert_problem(answer, 412, "precondition_failed")


def test_call__if_match_any_version__is_carried_out_if_there_is_one(
    users: Users, client_for: ClientFor
) -> None:
    job, operator = pending_job(users), client_for(users.operator)
    nowhere = f"{API}jobs/{job.contract_id}/cancel/"
    body = {"reason": "No."}
    assert_problem(operator.post(nowhere, body, HTTP_IF_MATCH="*"), 404, "job_not_found")
    assert operator.post(url_of(job, "cancel/"), body, HTTP_IF_MATCH="*").status_code == 200


@pytest.mark.parametrize("path", ["jobs/claim/", "contracts/activate/"])
def test_call__if_match_on_no_single_resource__412(
    users: Users, client_for: ClientFor, path: str
) -> None:
    job = pending_job(users)
    executor = client_for(users.executor)
    body = {} if "claim" in path else {"contract_ids": [str(approved(users).pk)]}
    answer = executor.post(API + path, body, HTTP_IF_MATCH="*")
    assert_problem(answer, 412, "precondition_failed")
    assert reloaded(job).status == "PENDING"


def test_if_match_and_key__together__response_is_stored_whatever_changes_later(
    users: Users, client_for: ClientFor
) -> None:
    job, operator = pending_job(users), client_for(users.operator)
    tag = operator.get(url_of(job))["ETag"]
    headers = {"HTTP_IF_MATCH": tag, "HTTP_IDEMPOTENCY_KEY": "key"}
    first = operator.post(url_of(job, "cancel/"), {"reason": "No."}, **headers)
    assert first.status_code == 200
    repeated = operator.post(url_of(job, "cancel/"), {"reason": "No."}, **headers)
    assert repeated.content == first.content
    assert IdempotencyRecord.objects.count() == 1
