"""Who follows a chain, and the one who looks for all of them whether there is more of it.

A stream of events occupies one of the server's threads for as long as it lasts. So there are only
as many places as the server has threads to spare, and none until it says how many (`set_capacity`).
Nobody looks for himself: while anybody follows, one thread of the process asks one question about
all chains at a time, and wakes those that have news, whose client has left, or whose server stops.
"""

from __future__ import annotations

import logging
import select
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from rest_framework import exceptions

from governance.record.ledger.queries import heads_of

logger = logging.getLogger(__name__)

DATABASE_OUTAGE_ERRORS = (OperationalError, InterfaceError)
STREAM_RETRY_SECONDS = 5

# However many streams wake at once, they and their hub leave the pool's other connections to calls.
_CONNECTIONS = threading.BoundedSemaphore(2)
_PEER_CLOSED = getattr(select, "POLLRDHUP", 0)  # elsewhere than on Linux a failing write tells


class TooManyStreams(exceptions.APIException):
    """Every thread that this process has for streams is taken."""

    status_code = 503
    default_code = "too_many_streams"
    default_detail = "Every place for a stream is taken here; ask again later."
    wait = STREAM_RETRY_SECONDS


@contextmanager
def borrowed_connection() -> Iterator[None]:
    """The database for as long as one asks it, and for few at a time."""
    with _CONNECTIONS:
        try:
            yield
        finally:
            release_connection()


def release_connection() -> None:
    """Let others have this thread's connection; within a transaction it is not ours to give."""
    if not connection.in_atomic_block:
        connection.close()


@dataclass(eq=False, slots=True)
class Subscriber:
    """A place that is taken: whose chain it follows, and how far that is known to go.

    `socket` is the client's, where the server hands it out. When it `is_over`, the place is to be
    left.
    """

    contract_id: UUID
    head: int
    socket: Any = None
    is_over: bool = False


class StreamBroker:
    """The places of one process, and the thread that looks for who took them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._subscribers: set[Subscriber] = set()
        self._capacity = 0
        self._is_serving: Callable[[], bool] = lambda: True
        self._poller: threading.Thread | None = None
        # Whether the last look found no database; asking it again is then for the next look alone.
        self.is_database_down = False

    def set_capacity(self, count: int, *, is_serving: Callable[[], bool] = lambda: True) -> None:
        """From now on `count` may follow at a time, as long as the server `is_serving`."""
        with self._changed:
            self._capacity, self._is_serving = count, is_serving

    def subscribe(self, contract_id: UUID, *, head: int, socket: Any = None) -> Subscriber:
        """A place to follow the chain from, which goes as far as `head`. Raises TooManyStreams."""
        subscriber = Subscriber(contract_id, head, socket)
        with self._changed:
            if len(self._subscribers) >= self._capacity or not self._is_serving():
                raise TooManyStreams
            if self._poller is None or not self._poller.is_alive():  # no thread survives a fork
                self._poller = threading.Thread(
                    target=self._poll_until_idle, name="stream-broker", daemon=True
                )
                self._poller.start()
            self._subscribers.add(subscriber)
        return subscriber

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Give the place back; once is enough, more does no harm."""
        with self._changed:
            self._subscribers.discard(subscriber)

    def wait_for_entries(self, subscriber: Subscriber, *, after: int, seconds: float) -> None:
        """Until the chain goes beyond `after` or the follower's time is over, or for so long."""
        with self._changed:
            self._changed.wait_for(lambda: subscriber.head > after or subscriber.is_over, seconds)

    def reset_head(self, subscriber: Subscriber) -> None:
        """The follower could not read: it hears of its chain again when a look succeeds."""
        with self._changed:
            subscriber.head = 0

    # --- the thread ---
    def _poll_until_idle(self) -> None:
        try:
            while self._poll():
                time.sleep(settings.GOVSITE_STREAMS["POLL_MS"] / 1000)
        except BaseException:
            # Nobody may wait for ever: all end, their clients come again, and so do we.
            with self._changed:
                self._poller = None
                self._close(self._subscribers)
            raise

    def _poll(self) -> bool:
        """Look once; False, and this thread is done, when nobody follows any more."""
        with self._changed:
            subscribers = list(self._subscribers)
            if not subscribers:
                self._poller = None
                return False
            if not self._is_serving():
                self._close(subscribers)
                return True
        disconnected = _disconnected(subscribers)
        heads = self._heads({subscriber.contract_id for subscriber in subscribers})
        with self._changed:
            for subscriber in subscribers:
                subscriber.head = heads.get(subscriber.contract_id, subscriber.head)
            self._close(disconnected)
            self._changed.notify_all()
        return True

    def _close(self, subscribers: Collection[Subscriber]) -> None:
        for subscriber in subscribers:
            subscriber.is_over = True
        self._changed.notify_all()

    def _heads(self, contract_ids: Collection[UUID]) -> dict[UUID, int]:
        try:
            with borrowed_connection():
                heads = heads_of(contract_ids)
        except DATABASE_OUTAGE_ERRORS as error:
            if not self.is_database_down:
                logger.warning("The database does not answer the streams; they wait: %s", error)
            self.is_database_down = True
            return {}
        self.is_database_down = False
        return heads


def _disconnected(subscribers: Collection[Subscriber]) -> list[Subscriber]:
    """Those whose client has closed the connection; a stream that is silent would not notice."""
    poll = select.poll()
    by_handle = {}
    for subscriber in subscribers:
        with suppress(AttributeError, OSError, ValueError):
            handle = subscriber.socket.fileno()
            poll.register(handle, _PEER_CLOSED)
            by_handle[handle] = subscriber
    return [by_handle[handle] for handle, _ in poll.poll(0)]


STREAM_BROKER = StreamBroker()
