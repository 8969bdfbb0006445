"""A job's ledger entries as server-sent events: the existing ones, then each new one.

A stream occupies a subscription (`stream_broker.py`) and a thread while it lasts, and a database
connection only while it reads. A client must not miss an entry, so a `Last-Event-ID` that was never
sent is refused, and a stream ends only between entries.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request

from governance.api.errors import InvalidHeaderError
from governance.api.serializers.contracts import LedgerEntrySerializer
from governance.api.sparse_fields import serialize
from governance.api.stream_broker import (
    DATABASE_OUTAGE_ERRORS,
    STREAM_BROKER,
    Subscriber,
    borrowed_connection,
    release_connection,
)
from governance.api.viewsets import GovernedViewSet
from governance.models import GovernanceJob, LedgerEntry
from governance.record.ledger.events import ends_the_chain
from governance.record.ledger.queries import entries_of

HEADER = "Last-Event-ID"
MEDIA_TYPE = "text/event-stream"
RETRY = b"retry: 3000\n\n"
HEARTBEAT = b":\n\n"
PAGE_SIZE = 100
# The longest time for sending one chunk, and for its acknowledgement by the client.
SEND_SECONDS = 30

_ID = re.compile(r"0|[1-9][0-9]{0,9}", re.ASCII)

LAST_EVENT_ID = OpenApiParameter(
    HEADER,
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    pattern=f"^({_ID.pattern})$",
    description="The `id` of the last event that you received; the stream continues after it. "
    "Without the header, or with 0, it begins with the job's first entry.",
)
EVENTS_EXAMPLE = OpenApiExample(
    "a job starts",
    media_type=MEDIA_TYPE,
    value="retry: 3000\n\n"
    "id: 6\nevent: job.activation.created\n"
    'data: {"seq":6,"at":"2026-11-22T17:24:02.118000Z","actor":"user:2:operator",'
    '"event":"job.activation.created","from_status":"","to_status":"PENDING","reason":"",'
    '"step_index":null,"body":"{…}","prev_hash":"9f…","hash":"41…"}\n\n'
    "id: 7\nevent: job.execution.started\n"
    'data: {"seq":7,"at":"2026-11-22T17:25:29.004000Z","actor":"user:4:worker",'
    '"event":"job.execution.started","from_status":"PENDING","to_status":"RUNNING","reason":"",'
    '"step_index":null,"body":"{…}","prev_hash":"41…","hash":"c0…"}\n\n'
    ":\n\n",
)


class EventStreamRenderer(BaseRenderer):
    """A renderer that makes DRF accept `text/event-stream`; it never renders anything."""

    media_type = MEDIA_TYPE
    format = "events"
    charset = None

    def render(self, data: Any, *_: Any, **__: Any) -> bytes:
        return b""


def follow_job(view: GovernedViewSet, job: GovernanceJob) -> HttpResponseBase:
    """Stream the job's entries after `Last-Event-ID`; return 204 if no entry can follow.

    A HEAD request does not subscribe.

    Raises:
        InvalidHeaderError: for a `Last-Event-ID` that was never sent.
        TooManyStreamsError: the process has no free stream.
    """
    chain = entries_of(job.contract_id)
    last = chain.only("seq", "event", "to_status").reverse()[0]
    after = _last_event_id(view.request, head=last.seq)
    if after == last.seq and ends_the_chain(last.event, last.to_status):
        return HttpResponse(status=204)
    pieces: Iterable[bytes] = ()
    if view.request.method != "HEAD":
        first = chain.filter(event="job.activation.created").values_list("seq", flat=True)[0]
        client = view.request.META.get("gunicorn.socket")
        subscriber = STREAM_BROKER.subscribe(job.contract_id, head=last.seq, socket=client)
        pieces = EventStream(view, subscriber, after=max(after, first - 1))
        _limit_send_time(client)
        release_connection()
    return StreamingHttpResponse(
        pieces, content_type=MEDIA_TYPE, headers={"X-Accel-Buffering": "no"}
    )


class EventStream:
    """The chunks of a stream; closing or deleting it ends the subscription."""

    def __init__(self, view: GovernedViewSet, subscriber: Subscriber, *, after: int) -> None:
        self._view, self._subscriber, self._after = view, subscriber, after
        self._pause = settings.GOVSITE_STREAMS["HEARTBEAT_SECONDS"]
        # The view has just checked the token and the permission.
        self._next_check_at = time.monotonic() + self._pause
        self._ends_at = time.monotonic() + _seconds_allowed(view.request)

    def close(self) -> None:
        STREAM_BROKER.unsubscribe(self._subscriber)

    # Nobody closes a response that fails before the server sends it.
    __del__ = close

    def __iter__(self) -> Iterator[bytes]:
        yield RETRY
        beats_at = time.monotonic() + self._pause
        while not self._subscriber.is_over and time.monotonic() < self._ends_at:
            try:
                if not self._is_still_allowed():
                    return
                entries = self._next_entries()
            except DATABASE_OUTAGE_ERRORS:
                STREAM_BROKER.reset_head(self._subscriber)
                entries = []
            if entries:
                yield b"".join(map(render_event, entries))
                self._after = entries[-1].seq
                if ends_the_chain(entries[-1].event, entries[-1].to_status):
                    return
            if time.monotonic() >= beats_at:
                beats_at = time.monotonic() + self._pause
                yield HEARTBEAT
            timeout = min(beats_at, self._ends_at) - time.monotonic()
            STREAM_BROKER.wait_for_entries(self._subscriber, after=self._after, seconds=timeout)

    def _is_still_allowed(self) -> bool:
        """Whether the caller may still read the job; checked once per heartbeat interval.

        While the database is unavailable the check cannot run. It is postponed as long as the
        client has received every known entry.
        """
        is_caught_up = self._subscriber.head <= self._after
        if time.monotonic() < self._next_check_at or (
            STREAM_BROKER.is_database_down and is_caught_up
        ):
            return True
        with borrowed_connection():
            is_allowed = self._view.is_still_allowed()
        self._next_check_at = time.monotonic() + self._pause
        return is_allowed

    def _next_entries(self) -> Sequence[LedgerEntry]:
        """Return at most one page of new entries, without a query if none is known."""
        if self._subscriber.head <= self._after:
            return []
        rows = entries_of(self._subscriber.contract_id).filter(seq__gt=self._after)
        with borrowed_connection():
            return list(rows[:PAGE_SIZE])


def render_event(entry: LedgerEntry) -> bytes:
    """Format an entry as one event; its data is the JSON of `contracts/{id}/ledger/`."""
    data: bytes = JSONRenderer().render(serialize(LedgerEntrySerializer, entry))
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (entry.seq, entry.event.encode(), data)


def _last_event_id(request: Request, *, head: int) -> int:
    given = request.headers.get(HEADER)
    if given is None:
        return 0
    if not _ID.fullmatch(given):
        fault = "must be a whole number from 0 on, or be left out"
    elif int(given) > head:
        fault = f"is not an id of this stream, whose last entry is {head}"
    else:
        return int(given)
    raise InvalidHeaderError.at(HEADER, fault)


def _seconds_allowed(request: Request) -> float:
    """Return the seconds that a stream may last: at most until its token expires."""
    expiry = getattr(request.auth, "expiry", None)
    max_seconds: float = settings.GOVSITE_STREAMS["SECONDS"]
    return min(max_seconds, (expiry - timezone.now()).total_seconds()) if expiry else max_seconds


def _limit_send_time(client: Any) -> None:
    """Set timeouts on the client's socket, so that a client that vanished frees its stream."""
    with suppress(AttributeError, OSError):
        client.settimeout(SEND_SECONDS)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SEND_SECONDS * 1000)
