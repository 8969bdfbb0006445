"""The users of these tests, with a fixed clock.

So forged rows and entries have the same time as what the operations wrote, as if one operation had
written them all. Other threads and sessions have the real time, which is a little later.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.clock import clock_at, now
from tests.support.users import Users


@pytest.fixture
def users(users: Users) -> Iterator[Users]:
    with clock_at(now()):
        yield users


@pytest.fixture
def committed(committed: Users) -> Iterator[Users]:
    with clock_at(now()):
        yield committed
