"""The client follows a job across streams that end, are interrupted or are refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from governance.api.stream_broker import STREAM_BROKER
from governance.client import GovsiteProblem, NoAnswer
from governance.client.job_events import parse_entries, stream_entries
from governance.client.retries import RetryPolicy
from governance.domain.values import AuditVerdict
from governance.flows.audit_job import record_verdict
from governance.models import LedgerEntry
from tests.client.conftest import Site
from tests.support.factories import judged_job, pending_job, reloaded, running_job


@pytest.fixture
def streams(settings: Any) -> Iterator[None]:
    """Allow two streams and end each after a second, so that the client must reconnect."""
    settings.GOVSITE_STREAMS = {"POLL_MS": 20, "HEARTBEAT_SECONDS": 0.2, "SECONDS": 1}
    STREAM_BROKER.set_capacity(2)
    yield
    STREAM_BROKER.set_capacity(0)


def test_job__followed_through_many_streams__returns_each_entry_once_and_in_order(
    site: Site, streams: None
) -> None:
    running = running_job(site.users)
    entries = site.client_for(site.users.viewer).follow(running.job.pk)
    seen = [next(entries), next(entries)]
    for index in range(running.job.total_steps):
        running.record(running.report(index))
        seen.append(next(entries))
    job = running.complete()
    seen.append(next(entries))
    record_verdict(
        job_id=job.pk,
        verdict=AuditVerdict.PASS,
        reason="As signed.",
        evidence_sha256=job.evidence.sha256,
        author=site.users.auditor,
    )
    seen += entries  # the stream ends with the last possible entry
    chain = LedgerEntry.objects.filter(contract_id=job.contract_id).order_by("seq")
    first = seen[0]["seq"]
    expected = [(entry.seq, entry.event) for entry in chain if entry.seq >= first]
    assert [(entry["seq"], entry["event"]) for entry in seen] == expected
    assert seen[0]["event"] == "job.activation.created"
    assert seen[-1]["event"] == "contract.audit.passed"


def test_job__followed_from_a_given_entry_on__returns_the_rest(site: Site, streams: None) -> None:
    job = judged_job(site.users)
    viewer = site.client_for(site.users.viewer)
    whole = list(viewer.follow(job.pk))
    assert list(viewer.follow(job.pk, after=whole[2]["seq"])) == whole[3:]
    assert list(viewer.follow(job.pk, after=whole[-1]["seq"])) == []


def test_job__that_is_not_there__is_refused_at_once(site: Site, streams: None) -> None:
    job = pending_job(site.users)
    with pytest.raises(GovsiteProblem) as refusal:
        next(site.client_for(site.users.viewer).follow(job.contract_id))
    assert refusal.value.code == "job_not_found"


def test_streams__at_capacity__are_retried_as_long_as_the_policy_says(site: Site) -> None:
    job, pauses = pending_job(site.users), []  # type: ignore[var-annotated]
    viewer = site.client_for(
        site.users.viewer, retry_policy=RetryPolicy(seconds=0.2), sleep=pauses.append
    )
    with pytest.raises(NoAnswer):
        next(viewer.follow(reloaded(job).pk))
    assert pauses
    assert min(pauses) >= 1  # at least as long as Retry-After


def test_stream__cut_in_the_middle_of_an_entry__is_gone_on_with_before_it() -> None:
    """Interrupt a stream within an entry, which a real site cannot be made to do."""
    asked: list[str | None] = []
    whole = 'id: {0}\nevent: e\ndata: {{"seq": {0}}}\n\n'
    parts = [whole.format(1) + 'id: 2\ndata: {"se', whole.format(2)]

    @contextmanager
    def open_stream(headers: dict[str, str]) -> Iterator[httpx.Response]:
        asked.append(headers.get("Last-Event-ID"))
        if not parts:
            yield httpx.Response(204)
            return
        yield httpx.Response(200, text=parts.pop(0))
        if parts:
            raise httpx.ReadError("reset")

    entries = stream_entries(
        open_stream, after=None, retry_policy=RetryPolicy(), sleep=lambda seconds: None
    )
    assert [entry["seq"] for entry in entries] == [1, 2]
    assert asked == [None, "1", "2"]


def test_heartbeats_and_what_is_not_known__are_passed_over() -> None:
    lines = ["retry: 3000", "", ":", "id: 4", "event: new.kind.of", 'data: {"seq": 4}', "", ":"]
    assert [entry["seq"] for entry in parse_entries(lines)] == [4]
