"""The broker of event streams: it counts the subscribers and polls the ledger for all of them.

A stream occupies one of the server's threads while it lasts, so the number of subscribers is
limited. The server sets the limit by `set_capacity`; before that it is 0. Streams do not poll.
While there are subscribers, one thread of the process reads the heads of all their chains in one
query, and wakes the streams that have new entries, whose client has disconnected, or whose server
is stopping.
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

from governance.api.errors import TooManyStreamsError
from governance.record.ledger.queries import heads_of

logger = logging.getLogger(__name__)

DATABASE_OUTAGE_ERRORS = (OperationalError, InterfaceError)

# At most two connections for all streams and the broker, so that the pool keeps some for requests.
_CONNECTIONS = threading.BoundedSemaphore(2)
_PEER_CLOSED = getattr(select, "POLLRDHUP", 0)  # only on Linux; elsewhere a write fails


@contextmanager
def borrowed_connection() -> Iterator[None]:
    """Allow the use of the database to a few streams at a time, and release the connection."""
    with _CONNECTIONS:
        try:
            yield
        finally:
            release_connection()


def release_connection() -> None:
    """Close this thread's connection, unless a transaction is open on it."""
    if not connection.in_atomic_block:
        connection.close()


@dataclass(eq=False, slots=True)
class Subscriber:
    """A stream's subscription: its contract, and the `seq` of the last entry that is known.

    `socket` is the client's connection, if the server exposes it. A subscriber with `is_over` must
    end its stream.
    """

    contract_id: UUID
    head: int
    socket: Any = None
    is_over: bool = False


class StreamBroker:
    """The subscribers of one process, and the thread that polls the ledger for them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._subscribers: set[Subscriber] = set()
        self._capacity = 0
        self._is_serving: Callable[[], bool] = lambda: True
        self._poller: threading.Thread | None = None
        # Whether the last poll failed; until one succeeds, only the poller tries the database.
        self.is_database_down = False

    def set_capacity(self, count: int, *, is_serving: Callable[[], bool] = lambda: True) -> None:
        """Allow `count` subscribers at a time, while `is_serving` returns true."""
        with self._changed:
            self._capacity, self._is_serving = count, is_serving

    def subscribe(self, contract_id: UUID, *, head: int, socket: Any = None) -> Subscriber:
        """Add a subscriber for a contract's chain whose last entry has the `seq` `head`.

        Raises:
            TooManyStreamsError: the capacity is used up, or the server is stopping.
        """
        subscriber = Subscriber(contract_id, head, socket)
        with self._changed:
            if len(self._subscribers) >= self._capacity or not self._is_serving():
                raise TooManyStreamsError("This web process has no free event stream; retry later.")
            if self._poller is None or not self._poller.is_alive():  # threads do not survive a fork
                self._poller = threading.Thread(
                    target=self._poll_until_idle, name="stream-broker", daemon=True
                )
                self._poller.start()
            self._subscribers.add(subscriber)
        return subscriber

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """Remove a subscriber; removing it again has no effect."""
        with self._changed:
            self._subscribers.discard(subscriber)

    def wait_for_entries(self, subscriber: Subscriber, *, after: int, seconds: float) -> None:
        """Wait for an entry after `after`, for the end of the subscription, or for `seconds`."""
        with self._changed:
            self._changed.wait_for(lambda: subscriber.head > after or subscriber.is_over, seconds)

    def reset_head(self, subscriber: Subscriber) -> None:
        """Forget the known head after a failed read; the next successful poll sets it again."""
        with self._changed:
            subscriber.head = 0

    # --- the thread ---
    def _poll_until_idle(self) -> None:
        try:
            while self._poll():
                time.sleep(settings.GOVSITE_STREAMS["POLL_MS"] / 1000)
        except BaseException:
            # Without this thread no stream would wake, so all end; their clients reconnect.
            with self._changed:
                self._poller = None
                self._close(self._subscribers)
            raise

    def _poll(self) -> bool:
        """Poll once; return False, which ends the thread, if there is no subscriber."""
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
                logger.warning("The database does not answer; the event streams wait: %s", error)
            self.is_database_down = True
            return {}
        self.is_database_down = False
        return heads


def _disconnected(subscribers: Collection[Subscriber]) -> list[Subscriber]:
    """Return the subscribers whose client has disconnected, which an idle stream cannot notice."""
    poll = select.poll()
    by_handle = {}
    for subscriber in subscribers:
        with suppress(AttributeError, OSError, ValueError):
            handle = subscriber.socket.fileno()
            poll.register(handle, _PEER_CLOSED)
            by_handle[handle] = subscriber
    return [by_handle[handle] for handle, _ in poll.poll(0)]


STREAM_BROKER = StreamBroker()
