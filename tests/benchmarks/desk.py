"""What a founder looks at, called in-process, with nothing cached between two calls but what a
worker keeps between two requests: the same pages in a small and in a large database.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from statistics import quantiles

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from governance.models import SystemContract
from governance.review.queue import Place, Wanted, queue_page
from tests.support.admin import contract_url

QUEUE = "admin:governance_systemcontract_queue"


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds that a page took, and how often it asked the database."""

    p50: float
    p99: float
    queries: int


def pages(waiting: Sequence[SystemContract]) -> Mapping[str, Iterator[str]]:
    """The addresses of each page, as often as one wants."""
    middle = queue_page(Wanted(), at=timezone.now(), size=200).rows[-1]
    queue = reverse(QUEUE)
    return {
        "home": cycle([reverse("admin:index")]),
        "queue, first page": cycle([queue]),
        "queue, from the middle": cycle([f"{queue}?after={Place.of(middle)}"]),
        "queue, one source": cycle([f"{queue}?source=ops_alert"]),
        "queue, one capability": cycle([f"{queue}?capability=Capability+7"]),
        "queue, by a rare word": cycle([f"{queue}?q=marmalade"]),
        "queue, by a common word": cycle([f"{queue}?q=request"]),
        "contract": cycle([contract_url(contract) for contract in waiting]),
        "all contracts": cycle([reverse("admin:governance_systemcontract_changelist")]),
    }


def measure(
    browser: Client,
    waiting: Sequence[SystemContract],
    *,
    calls: int,
    advance: Callable[[int], object],
) -> dict[str, Timing]:
    """Call every page `calls` times, in turns: a slow moment of the machine hits them all."""
    addresses = pages(waiting)
    taken: dict[str, list[float]] = {name: [] for name in addresses}
    asked: dict[str, int] = {}
    for name, url in addresses.items():
        with CaptureQueriesContext(connection) as captured:
            _look(browser, next(url))
        asked[name] = len(captured)
    for _ in range(calls):
        for name, url in addresses.items():
            began = time.perf_counter()
            _look(browser, next(url))
            taken[name].append((time.perf_counter() - began) * 1000)
        advance(1)
    return {name: _timing(spans, asked[name]) for name, spans in taken.items()}


def _look(browser: Client, url: str) -> None:
    answer = browser.get(url)
    if answer.status_code != 200:
        raise RuntimeError(f"{url} answered {answer.status_code}")


def _timing(spans: Sequence[float], queries: int) -> Timing:
    cuts = quantiles(spans, n=100, method="inclusive")
    return Timing(cuts[49], cuts[98], queries)
