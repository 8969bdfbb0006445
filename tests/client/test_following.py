"""The client follows a job through streams that end, break off, and are refused for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from governance.api.hub import HUB
from governance.client import GovsiteProblem, NoAnswer
from governance.client.following import entries_in, followed
from governance.client.retries import Patience
from governance.flows.audit_job import record_verdict
from governance.models import LedgerEntry
from governance.vocabulary.values import AuditVerdict
from tests.client.conftest import Site
from tests.support.stories import again, judged_job, now, pending_job, running_job


@pytest.fixture
def streams(settings: Any) -> Iterator[None]:
    """Two places; a stream lasts a second and is gone on with by another."""
    settings.STREAMS = {"POLL_MS": 20, "HEARTBEAT_SECONDS": 0.2, "SECONDS": 1}
    HUB.open_places(2)
    yield
    HUB.open_places(0)


def test_job__followed_through_many_streams__is_told_once_and_in_order(
    site: Site, streams: None
) -> None:
    running = running_job(site.cast)
    entries = site.client_for(site.cast.viewer).follow(running.job.pk)
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
        author=site.cast.auditor,
        at=now(),
    )
    seen += entries  # ends by itself: nothing can follow
    chain = LedgerEntry.objects.filter(contract_id=job.contract_id).order_by("seq")
    first = seen[0]["seq"]
    told = [(entry.seq, entry.event) for entry in chain if entry.seq >= first]
    assert [(entry["seq"], entry["event"]) for entry in seen] == told
    assert seen[0]["event"] == "job.activation.created"
    assert seen[-1]["event"] == "contract.audit.passed"


def test_job__followed_from_where_one_was__tells_the_rest(site: Site, streams: None) -> None:
    job = judged_job(site.cast)
    viewer = site.client_for(site.cast.viewer)
    whole = list(viewer.follow(job.pk))
    assert list(viewer.follow(job.pk, after=whole[2]["seq"])) == whole[3:]
    assert list(viewer.follow(job.pk, after=whole[-1]["seq"])) == []


def test_job__that_is_not_there__is_refused_at_once(site: Site, streams: None) -> None:
    job = pending_job(site.cast)
    with pytest.raises(GovsiteProblem) as refusal:
        next(site.client_for(site.cast.viewer).follow(job.contract_id))
    assert refusal.value.code == "job_not_found"


def test_places__all_taken__are_waited_for_as_long_as_patience_lasts(site: Site) -> None:
    job, pauses = pending_job(site.cast), []  # type: ignore[var-annotated]
    viewer = site.client_for(site.cast.viewer, patience=Patience(seconds=0.2), sleep=pauses.append)
    with pytest.raises(NoAnswer):
        next(viewer.follow(again(job).pk))
    assert pauses
    assert min(pauses) >= 1  # as long as Retry-After asks


def test_stream__cut_in_the_middle_of_an_entry__is_gone_on_with_before_it() -> None:
    """The edge of the network: a line that breaks off where no site ends one."""
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

    told = followed(open_stream, after=None, patience=Patience(), sleep=lambda seconds: None)
    assert [entry["seq"] for entry in told] == [1, 2]
    assert asked == [None, "1", "2"]


def test_heartbeats_and_what_is_not_known__are_passed_over() -> None:
    lines = ["retry: 3000", "", ":", "id: 4", "event: new.kind.of", 'data: {"seq": 4}', "", ":"]
    assert [entry["seq"] for entry in entries_in(lines)] == [4]
