"""Strong entity tags: read only what has changed, write only to what was read."""

from __future__ import annotations

from typing import Any

import pytest

from governance.models import GovernanceJob, IdempotencyRecord, SystemContract
from tests.api.conftest import ClientFor
from tests.api.support import API, assert_problem, report_body
from tests.support.cast import Cast
from tests.support.stories import (
    again,
    approved,
    asked,
    finished_job,
    judged_job,
    pending_job,
    running_job,
    signed,
)

NOTHING = '"00000000000000000000000000000000"'


def url_of(subject: Any, action: str = "") -> str:
    kind = "contracts" if isinstance(subject, SystemContract) else "jobs"
    return f"{API}{kind}/{subject.pk}/{action}"


def test_reading__names_a_strong_tag_and_asks_to_revalidate(
    cast: Cast, client_for: ClientFor
) -> None:
    viewer, job = client_for(cast.viewer), pending_job(cast)
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
    cast: Cast, client_for: ClientFor, form: str
) -> None:
    viewer, job = client_for(cast.viewer), pending_job(cast)
    tag = viewer.get(url_of(job))["ETag"]
    answer = viewer.get(url_of(job), HTTP_IF_NONE_MATCH=form.format(tag))
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer["ETag"] == tag
    assert answer["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize("form", [NOTHING, "nonsense", '"', "W/", ""])
def test_reading__of_what_is_not_known__200(cast: Cast, client_for: ClientFor, form: str) -> None:
    viewer, job = client_for(cast.viewer), pending_job(cast)
    assert viewer.get(url_of(job), HTTP_IF_NONE_MATCH=form).status_code == 200


def test_reading__of_what_is_known__asks_the_database_less(
    cast: Cast, client_for: ClientFor, django_assert_max_num_queries: Any
) -> None:
    viewer, job = client_for(cast.viewer), judged_job(cast)
    tag = viewer.get(url_of(job.contract))["ETag"]
    with django_assert_max_num_queries(2):  # the token, the version
        answer = viewer.get(url_of(job.contract), HTTP_IF_NONE_MATCH=tag)
    assert answer.status_code == 304


def test_tag__changes_with_everything_that_is_shown(cast: Cast, client_for: ClientFor) -> None:
    """A whole life, its tags taken after each move: none comes twice, and no answer lies."""
    viewer, seen = client_for(cast.viewer), {}

    def look(*subjects: Any) -> None:
        for subject in subjects:
            answer = viewer.get(url_of(subject))
            known = seen.setdefault((url_of(subject), answer["ETag"]), answer.content)
            assert known == answer.content

    contract = asked(cast)
    look(contract)
    running = running_job(cast)
    job, contract = running.job, running.job.contract
    look(job, contract)
    running.record(running.report(0))
    look(job, contract)
    for index in (1, 2):
        running.record(running.report(index))
    look(job, contract)
    running.complete()
    look(job, contract)
    tags = [tag for url, tag in seen if url == url_of(job)]
    assert len(tags) == len(set(tags)) == 4


@pytest.mark.parametrize("who", ["operator", "founder", "executor", "auditor"])
def test_tag__when_somebody_shown_is_renamed__changes(
    cast: Cast, client_for: ClientFor, who: str
) -> None:
    viewer, job = client_for(cast.viewer), judged_job(cast)
    before = viewer.get(url_of(job))
    person = getattr(cast, who)
    person.username = "renamed"
    person.save()
    for subject in (job, job.contract):
        answer = viewer.get(url_of(subject), HTTP_IF_NONE_MATCH=before["ETag"])
        assert answer.status_code == 200
        assert answer["ETag"] != before["ETag"]


def test_tag__of_a_contract_that_waits_for_a_second_founder__changes_with_each_signature(
    cast: Cast, client_for: ClientFor, settings: Any
) -> None:
    settings.GOVERNANCE = settings.GOVERNANCE | {
        "QUORUM": dict.fromkeys(("critical", "high", "medium", "low"), 2)
    }
    viewer, contract = client_for(cast.viewer), signed(cast)
    once = viewer.get(url_of(contract))
    assert len(once.json()["signatures"]) == 1
    cast.founder.username = "renamed"
    cast.founder.save()
    renamed = viewer.get(url_of(contract))
    assert renamed["ETag"] != once["ETag"]
    signed(cast, again(contract), founder=cast.second_founder)
    assert viewer.get(url_of(contract))["ETag"] != renamed["ETag"]


def test_evidence__that_is_known__304(cast: Cast, client_for: ClientFor) -> None:
    viewer, job = client_for(cast.viewer), finished_job(cast)
    first = viewer.get(url_of(job, "evidence/"))
    assert first["ETag"] == f'"{job.evidence.sha256}"'
    known = viewer.get(url_of(job, "evidence/"), HTTP_IF_NONE_MATCH=first["ETag"])
    assert (known.status_code, known.content) == (304, b"")
    assert known["X-Evidence-SHA256"] == job.evidence.sha256
    assert viewer.get(url_of(job, "evidence/"), HTTP_IF_NONE_MATCH=NOTHING).status_code == 200


# --- writing ---
def test_call__on_what_still_stands__is_carried_out(cast: Cast, client_for: ClientFor) -> None:
    contract = approved(cast)
    operator, executor = client_for(cast.operator), client_for(cast.executor)
    tag = operator.get(url_of(contract))["ETag"]
    answer = operator.post(url_of(contract, "activate/"), {}, HTTP_IF_MATCH=f'"x", {tag}')
    assert answer.status_code == 201
    job = GovernanceJob.objects.get(contract=contract)
    tag = executor.get(url_of(job))["ETag"]
    assert executor.post(url_of(job, "start/"), {}, HTTP_IF_MATCH=tag).status_code == 200


def test_call__on_what_has_changed__412_and_nothing_happens(
    cast: Cast, client_for: ClientFor
) -> None:
    running = running_job(cast)
    executor, job = client_for(cast.executor), running.job
    stale = executor.get(url_of(job))["ETag"]
    running.record(running.report(0))
    report = report_body(running.token, step_index=1)
    refused = executor.post(url_of(job, "results/"), report, HTTP_IF_MATCH=stale)
    problem = assert_problem(refused, 412, "precondition_failed")
    assert again(job).current_step_index == 1
    standing = problem["details"]["version"]
    fresh = executor.post(url_of(job, "results/"), report, HTTP_IF_MATCH=f'"{standing}"')
    assert fresh.status_code == 201


@pytest.mark.parametrize("tag", [NOTHING, "W/{}", "nonsense", "", '"'])
@pytest.mark.parametrize("action", ["start", "results", "complete", "cancel", "verdict"])
def test_call__under_any_other_condition__412(
    cast: Cast, client_for: ClientFor, action: str, tag: str
) -> None:
    running = running_job(cast)
    job = running.job
    person, body = {
        "start": (cast.executor, {}),
        "results": (cast.executor, report_body(running.token)),
        "complete": (cast.executor, {"execution_token": running.token}),
        "cancel": (cast.operator, {"reason": "No."}),
        "verdict": (
            cast.auditor,
            {"verdict": "FAIL", "reason": "No.", "evidence_sha256": "0" * 64},
        ),
    }[action]
    client = client_for(person)
    stands = client.get(url_of(job))["ETag"]
    answer = client.post(url_of(job, f"{action}/"), body, HTTP_IF_MATCH=tag.format(stands))
    assert_problem(answer, 412, "precondition_failed")


def test_call__on_whatever_stands__goes_on_if_there_is_anything(
    cast: Cast, client_for: ClientFor
) -> None:
    job, operator = pending_job(cast), client_for(cast.operator)
    nowhere = f"{API}jobs/{job.contract_id}/cancel/"
    body = {"reason": "No."}
    assert_problem(operator.post(nowhere, body, HTTP_IF_MATCH="*"), 404, "job_not_found")
    assert operator.post(url_of(job, "cancel/"), body, HTTP_IF_MATCH="*").status_code == 200


@pytest.mark.parametrize("path", ["jobs/claim/", "contracts/activate/"])
def test_call__about_nothing_single__has_no_version(
    cast: Cast, client_for: ClientFor, path: str
) -> None:
    job = pending_job(cast)
    executor = client_for(cast.executor)
    body = {} if "claim" in path else {"contract_ids": [str(approved(cast).pk)]}
    answer = executor.post(API + path, body, HTTP_IF_MATCH="*")
    assert_problem(answer, 412, "precondition_failed")
    assert again(job).status == "PENDING"


def test_condition_and_key__together__the_answer_is_kept_whatever_stands_later(
    cast: Cast, client_for: ClientFor
) -> None:
    job, operator = pending_job(cast), client_for(cast.operator)
    tag = operator.get(url_of(job))["ETag"]
    headers = {"HTTP_IF_MATCH": tag, "HTTP_IDEMPOTENCY_KEY": "key"}
    first = operator.post(url_of(job, "cancel/"), {"reason": "No."}, **headers)
    assert first.status_code == 200
    repeated = operator.post(url_of(job, "cancel/"), {"reason": "No."}, **headers)
    assert repeated.content == first.content
    assert IdempotencyRecord.objects.count() == 1
