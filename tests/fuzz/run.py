"""Runs of Schemathesis over operations, with a token and without one."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

import schemathesis
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.test.utils import override_settings
from drf_spectacular.generators import SchemaGenerator
from schemathesis.config._checks import NEGATIVE_DATA_REJECTION_EXPECTED_STATUSES
from schemathesis.engine import events, from_schema
from schemathesis.python import wsgi
from werkzeug.test import Client

from governance.api.stream_broker import STREAM_BROKER
from govsite.middleware import refuse_other_charsets
from tests.fuzz.known_values import use_known_values, with_known_values
from tests.fuzz.rollback import RollbackApplication, kept_connections
from tests.fuzz.world import World

Advance = Callable[[int], Any]

# The statuses that may refuse an invalid request: Schemathesis' list, and that of a long address.
REFUSED = [*NEGATIVE_DATA_REJECTION_EXPECTED_STATUSES, "414"]


@dataclass
class Findings:
    """The counts of cases, responses and checks, and the faults as Schemathesis describes them."""

    cases: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    checks: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)

    def add(self, other: Findings) -> None:
        self.cases += other.cases
        self.answers += other.answers
        self.checks += other.checks
        self.faults += other.faults

    def summary(self) -> str:
        answers = ", ".join(f"{count} × {status}" for status, count in sorted(self.answers.items()))
        return f"{self.cases} cases, {sum(self.checks.values())} checks; answers: {answers}"


def operation_ids() -> list[str]:
    """Return the id of every operation, in the order of the schema."""
    paths = _schema()["paths"]
    return [operation["operationId"] for item in paths.values() for operation in item.values()]


def fuzz_all(
    operations: Sequence[str],
    world: World,
    *,
    cases: int,
    seed: int,
    found: Findings | None = None,
    advance: Advance = lambda count: None,
) -> Findings:
    """Run at least `cases` cases over these operations, a quarter of them without a token.

    The first round also sends all examples and edge cases of the schema once. Each round has a seed
    of its own. An operation with few different requests gets fewer, and the others get more.

    Args:
        found: Where the results are added, so that they are not lost by an interruption.
    """
    found = Findings() if found is None else found
    share = cases // len(operations) // 2 + 1  # examples and edge cases are about as many again
    round_ = 0
    while found.cases < cases:
        before = found.cases
        for operation_id in operations:
            for authenticated, examples in ((True, share * 3 // 4), (False, share // 4)):
                with stream_and_throttle_settings():
                    of_one = fuzz(
                        operation_id,
                        world,
                        authenticated=authenticated,
                        examples=max(examples, 10),
                        seed=seed + round_,
                        only_drawn=round_ > 0,
                        advance=advance,
                    )
                found.add(of_one)
        round_ += 1
        share = (cases - found.cases) // len(operations) + 1
        if found.cases == before:
            raise RuntimeError("Schemathesis generated no further case.")
    return found


@contextmanager
def stream_and_throttle_settings() -> Iterator[None]:
    """Reserve places for streams as a web process does, and disable redirects, throttling and logs.

    The log would have thousands of intended refusals.
    """
    unlimited = {"API_READS_PER_MINUTE": 0, "API_WRITES_PER_MINUTE": 0}
    here = override_settings(
        SECURE_SSL_REDIRECT=False,
        ALLOWED_HOSTS=["localhost", "testserver"],
        GOVSITE=settings.GOVSITE | unlimited,
    )
    logging.disable(logging.CRITICAL)
    STREAM_BROKER.set_capacity(2)
    try:
        with here:
            yield
    finally:
        STREAM_BROKER.set_capacity(0)
        logging.disable(logging.NOTSET)


def fuzz(
    operation_id: str,
    world: World,
    *,
    authenticated: bool,
    examples: int,
    seed: int,
    only_drawn: bool = False,
    advance: Advance = lambda count: None,
) -> Findings:
    """Fuzz one operation: its examples, the edge cases of its schema, and random cases.

    Args:
        examples: The number of random cases; there are fewer if the schema allows no more.
        seed: The same seed gives the same cases.
        only_drawn: Leave out the examples and the edge cases.
    """
    document = _schema()
    use_known_values(document, world)
    application = RollbackApplication(refuse_other_charsets(get_wsgi_application()), advance)
    config = schemathesis.Config.from_dict(
        {
            "seed": seed,
            "headers": {"Authorization": f"Bearer {world.token}"} if authenticated else {},
            "generation": {"max-examples": examples, "database": "none", "no-shrink": True},
            "continue-on-failure": True,
            "checks": {"negative_data_rejection": {"expected-statuses": REFUSED}},
            "phases": {
                "examples": {"enabled": not only_drawn},
                "coverage": {"enabled": not only_drawn},
                # Every request is rolled back, so sequences of requests make no sense.
                "stateful": {"enabled": False},
            },
        }
    )
    schema = schemathesis.openapi.from_dict(document, config=config)
    schema = schema.include(operation_id=operation_id)
    schema.app = application

    @schema.hook
    def map_case(context: Any, case: schemathesis.Case) -> schemathesis.Case:
        return with_known_values(world, case)

    found = Findings()
    with kept_connections(), _plain_clients():
        for event in from_schema(schema).execute():
            _note(event, found)
    found.answers = application.answers
    return found


def _note(event: Any, found: Findings) -> None:
    if isinstance(event, events.NonFatalError):
        found.faults[f"{event.label}: {event.value!r}"] += 1
    if not isinstance(event, events.ScenarioFinished):
        return
    found.cases += len(event.recorder.cases)
    for check in (check for checks in event.recorder.checks.values() for check in checks):
        found.checks[check.name] += 1
        if failed := check.failure_info:
            words = f"{event.label}: {failed.failure.title}. {failed.failure.message}"
            found.faults[f"{words}\n{failed.code_sample}"] += 1


@contextmanager
def _plain_clients() -> Iterator[None]:
    """Drop socket options, which Schemathesis 4.32 also passes to its in-process client."""

    class PlainClient(Client):
        def open(self, *args: Any, **settings: Any) -> Any:
            for name in ("max_redirects", "verify", "cert", "proxies"):
                settings.pop(name, None)
            return super().open(*args, **settings)

    with patch.object(wsgi, "get_client", PlainClient):
        yield


def _schema() -> dict[str, Any]:
    made = SchemaGenerator().get_schema(request=None, public=True)
    document: dict[str, Any] = json.loads(json.dumps(made))
    return document
