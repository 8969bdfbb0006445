"""Who follows a chain, and the one who looks for all of them whether there is more of it.

A stream of events occupies one of the server's threads for as long as it lasts. So there are only
as many places as the server has threads to spare, and none until it says how many (`open_places`).
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

from governance.ledger.queries import heads_of

logger = logging.getLogger(__name__)

DATABASE_AWAY = (OperationalError, InterfaceError)
PLACE_RETRY_SECONDS = 5

# However many streams wake at once, they and their hub leave the pool's other connections to calls.
_CONNECTIONS = threading.BoundedSemaphore(2)
_HUNG_UP = getattr(select, "POLLRDHUP", 0)  # elsewhere than on Linux a failing write tells


class TooManyStreams(exceptions.APIException):
    """Every thread that this process has for streams is taken."""

    status_code = 503
    default_code = "too_many_streams"
    default_detail = "Every place for a stream is taken here; ask again later."
    wait = PLACE_RETRY_SECONDS


@contextmanager
def borrowed_connection() -> Iterator[None]:
    """The database for as long as one asks it, and for few at a time."""
    with _CONNECTIONS:
        try:
            yield
        finally:
            give_connection_back()


def give_connection_back() -> None:
    """Let others have this thread's connection; within a transaction it is not ours to give."""
    if not connection.in_atomic_block:
        connection.close()


@dataclass(eq=False, slots=True)
class Follower:
    """A place that is taken: whose chain it follows, and how far that is known to go.

    `socket` is the client's, where the server hands it out. When it `is_over`, the place is to be
    left.
    """

    contract_id: UUID
    head: int
    socket: Any = None
    is_over: bool = False


class Hub:
    """The places of one process, and the thread that looks for who took them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._followers: set[Follower] = set()
        self._places = 0
        self._is_serving: Callable[[], bool] = lambda: True
        self._looker: threading.Thread | None = None
        # Whether the last look found no database; asking it again is then for the next look alone.
        self.is_blind = False

    def open_places(self, count: int, *, is_serving: Callable[[], bool] = lambda: True) -> None:
        """From now on `count` may follow at a time, as long as the server `is_serving`."""
        with self._changed:
            self._places, self._is_serving = count, is_serving

    def take_place(self, contract_id: UUID, *, head: int, socket: Any = None) -> Follower:
        """A place to follow the chain from, which goes as far as `head`. Raises TooManyStreams."""
        follower = Follower(contract_id, head, socket)
        with self._changed:
            if len(self._followers) >= self._places or not self._is_serving():
                raise TooManyStreams
            if self._looker is None or not self._looker.is_alive():  # no thread survives a fork
                self._looker = threading.Thread(
                    target=self._look_out, name="stream-hub", daemon=True
                )
                self._looker.start()
            self._followers.add(follower)
        return follower

    def leave(self, follower: Follower) -> None:
        """Give the place back; once is enough, more does no harm."""
        with self._changed:
            self._followers.discard(follower)

    def wait_for_news(self, follower: Follower, *, after: int, seconds: float) -> None:
        """Until the chain goes beyond `after` or the follower's time is over, or for so long."""
        with self._changed:
            self._changed.wait_for(lambda: follower.head > after or follower.is_over, seconds)

    def lose_sight(self, follower: Follower) -> None:
        """The follower could not read: it hears of its chain again when a look succeeds."""
        with self._changed:
            follower.head = 0

    # --- the thread ---
    def _look_out(self) -> None:
        try:
            while self._look():
                time.sleep(settings.STREAMS["POLL_MS"] / 1000)
        except BaseException:
            # Nobody may wait for ever: all end, their clients come again, and so do we.
            with self._changed:
                self._looker = None
                self._end(self._followers)
            raise

    def _look(self) -> bool:
        """Look once; False, and this thread is done, when nobody follows any more."""
        with self._changed:
            followers = list(self._followers)
            if not followers:
                self._looker = None
                return False
            if not self._is_serving():
                self._end(followers)
                return True
        gone = _hung_up(followers)
        heads = self._heads({follower.contract_id for follower in followers})
        with self._changed:
            for follower in followers:
                follower.head = heads.get(follower.contract_id, follower.head)
            self._end(gone)
            self._changed.notify_all()
        return True

    def _end(self, followers: Collection[Follower]) -> None:
        for follower in followers:
            follower.is_over = True
        self._changed.notify_all()

    def _heads(self, contract_ids: Collection[UUID]) -> dict[UUID, int]:
        try:
            with borrowed_connection():
                heads = heads_of(contract_ids)
        except DATABASE_AWAY as trouble:
            if not self.is_blind:
                logger.warning("The database does not answer the streams; they wait: %s", trouble)
            self.is_blind = True
            return {}
        self.is_blind = False
        return heads


def _hung_up(followers: Collection[Follower]) -> list[Follower]:
    """Those whose client has closed the connection; a stream that is silent would not notice."""
    poll = select.poll()
    by_handle = {}
    for follower in followers:
        with suppress(AttributeError, OSError, ValueError):
            handle = follower.socket.fileno()
            poll.register(handle, _HUNG_UP)
            by_handle[handle] = follower
    return [by_handle[handle] for handle, _ in poll.poll(0)]


HUB = Hub()
