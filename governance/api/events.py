"""A job's ledger entries as server-sent events: those that are there, and each that follows.

A stream holds a place (`hub.py`) and a thread for as long as it lasts, and a connection to the
database only while it reads. What must never happen is that a client misses an entry: an id that
we cannot have given out is refused, and a stream ends only between entries.
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

from governance.api.compiled_serializers import serialize
from governance.api.serializers.contracts import LedgerEntrySerializer
from governance.api.stream_broker import (
    DATABASE_OUTAGE_ERRORS,
    STREAM_BROKER,
    Subscriber,
    borrowed_connection,
    release_connection,
)
from governance.api.viewsets import GovernedViewSet
from governance.domain.errors import InvalidInputError
from governance.models import GovernanceJob, LedgerEntry
from governance.record.ledger.events import ends_the_chain
from governance.record.ledger.queries import entries_of

HEADER = "Last-Event-ID"
MEDIA_TYPE = "text/event-stream"
RETRY = b"retry: 3000\n\n"
HEARTBEAT = b":\n\n"
PAGE_SIZE = 100
# How long a client may take for one piece, and may leave what was sent unacknowledged.
SEND_SECONDS = 30

_ID = re.compile(r"0|[1-9][0-9]{0,9}", re.ASCII)

LAST_EVENT_ID = OpenApiParameter(
    HEADER,
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    pattern=f"^({_ID.pattern})$",
    description="The `id` of the last event that arrived: the stream goes on behind it. Without "
    "it, or with 0, from the job's first entry on.",
)
EVENTS_EXAMPLE = OpenApiExample(
    "a job begins",
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
    """So that `Accept: text/event-stream` is understood; the stream writes itself."""

    media_type = MEDIA_TYPE
    format = "events"
    charset = None

    def render(self, data: Any, *_: Any, **__: Any) -> bytes:
        return b""


def follow_job(view: GovernedViewSet, job: GovernanceJob) -> HttpResponseBase:
    """The stream of the job's entries after the one that the client names; 204 if none can follow.

    Raises InvalidInputError (`invalid_header`) and TooManyStreams. HEAD takes no place.
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
    """The bytes of a stream, piece by piece; closing it, or dropping it, gives its place back."""

    def __init__(self, view: GovernedViewSet, subscriber: Subscriber, *, after: int) -> None:
        self._view, self._subscriber, self._after = view, subscriber, after
        self._pause = settings.GOVSITE_STREAMS["HEARTBEAT_SECONDS"]
        # The view has just let it in.
        self._next_check_at = time.monotonic() + self._pause
        self._ends_at = time.monotonic() + _seconds_allowed(view.request)
        self._pieces = self._generate()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._pieces)

    def close(self) -> None:
        STREAM_BROKER.unsubscribe(self._subscriber)

    # A response that fails on its way to the server is closed by nobody.
    __del__ = close

    def _generate(self) -> Iterator[bytes]:
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
        """As the view says, asked once a heartbeat, and before anything is told that came later.

        While the database is away nobody can say, and there is nothing to be told.
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
        """The entries that follow, where there are known to be any; a page of them at most."""
        if self._subscriber.head <= self._after:
            return []
        rows = entries_of(self._subscriber.contract_id).filter(seq__gt=self._after)
        with borrowed_connection():
            return list(rows[:PAGE_SIZE])


def render_event(entry: LedgerEntry) -> bytes:
    """The entry as one event, its data the JSON that `contracts/{id}/ledger/` shows."""
    data: bytes = JSONRenderer().render(serialize(LedgerEntrySerializer, entry))
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (entry.seq, entry.event.encode(), data)


def _last_event_id(request: Request, *, head: int) -> int:
    given = request.headers.get(HEADER)
    if given is None:
        return 0
    if not _ID.fullmatch(given):
        fault = "must be a whole number from 0 on, or be left out"
    elif int(given) > head:
        fault = f"is not an id that this stream gave out: its last entry is {head}"
    else:
        return int(given)
    raise InvalidInputError.at(HEADER, fault, code="invalid_header")


def _seconds_allowed(request: Request) -> float:
    """As long as a stream may last, and no longer than its token."""
    expiry = getattr(request.auth, "expiry", None)
    max_seconds: float = settings.GOVSITE_STREAMS["SECONDS"]
    return min(max_seconds, (expiry - timezone.now()).total_seconds()) if expiry else max_seconds


def _limit_send_time(client: Any) -> None:
    """A client that reads no more, or has vanished, does not hold its place for ever."""
    with suppress(AttributeError, OSError):
        client.settimeout(SEND_SECONDS)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SEND_SECONDS * 1000)
