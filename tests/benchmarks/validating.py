"""`validator`: reports judged by validator and eligibility, with registries of two sizes."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from governance.authorities.eligibility.snapshot import EligibilitySnapshot, RegisteredNames
from governance.authorities.eligibility.thresholds import EligibilityThresholds
from governance.authorities.eligibility.verdict import decide_eligibility
from governance.authorities.validator.name_index import NameIndex
from governance.authorities.validator.report import Report
from governance.authorities.validator.verdict import validate_report
from governance.domain.values import HealthDecision
from governance.domain.verdicts import ValidatorVerdict
from tests.benchmarks.figures import Figure

REPORTS = 200
MISSPELT_REPORTS = 20
CHARACTERS = 2000
FEW, MANY = 10_000, 100_000
AT = datetime(2026, 11, 2, 9, tzinfo=UTC)
PARTS = """
    Pod Node Volume Image Topology Memory Device Plugin Graceful Shutdown Token Bound Service
    Account Hint Spread Domain Scale Zero Auto Delete Watch List Cache Event Queue Retry Limit
    Quota Health Check Route Mesh Proxy Stream Batch Index Search Export Import Email Mobile Push
""".split()  # noqa: SIM905 - as many words are easier to read in one text
PROSE = (
    "We have looked at this for a while and {name} is not what we expected after the upgrade.",
    "Please enable the feature {name} for our account when you can; it is not urgent at all.",
    "The page does not load and the log says `error: {name} not found` in every second line.",
    "- [x] I have searched for the same problem in the list of open issues before I wrote this",
    "### What happened",
    "2026-11-02 09:00:00 ERROR [{name}] connection refused by 10.0.0.1, retry in 5 s",
    "Could the limit of {name} be raised from 100 to 250 requests, as we have grown since then?",
    "See https://example.org/docs/{name} for the details, and tell me if anything is unclear.",
)


def measure_validator(*, rounds: int, advance: Callable[[int], object]) -> Iterator[Figure]:
    """Measure reports a second on one core, and reports that name 20 misspelt capabilities."""
    rng = random.Random(20)
    names = _names(MANY, rng)
    few, many = NameIndex(names[:FEW]), NameIndex(names)
    reports = [_report(names, rng) for _ in range(REPORTS)]
    misspelt = [_misspelt(names, rng) for _ in range(MISSPELT_REPORTS)]
    for registry in (few, many):  # the index is completed by the first reports
        _judge([*reports, *misspelt], registry)
    figures = [_rate(reports, _count_words) for _ in range(rounds)]
    verdicts = [validate_report(report, registry=few, at=AT) for report in reports]
    ours, of_many, slow, slow_of_many, eligibility = [], [], [], [], []
    for _ in range(rounds):
        eligibility.append(_rate(verdicts, lambda given: _decide(given, few)))
        ours.append(_rate(reports, lambda given: _judge(given, few)))
        of_many.append(_rate(reports, lambda given: _judge(given, many)))
        slow.append(1000 / _rate(misspelt, lambda given: _judge(given, few)))
        slow_of_many.append(1000 / _rate(misspelt, lambda given: _judge(given, many)))
        advance(1)
    yield Figure(
        part="validator",
        measure="reports of 2 000 characters judged, 10 000 capabilities",
        clients=1,
        unit="/s",
        ours=ours,
        baseline=figures,
        against="their words counted",
        target=1000,
        absolute=True,
    )
    yield Figure(
        part="validator",
        measure="the same, 100 000 capabilities",
        clients=1,
        unit="/s",
        ours=of_many,
        baseline=ours,
        against="10 000 capabilities",
        target=0.5,
    )
    yield Figure(
        part="validator",
        measure="a report with 20 misspelt names, 10 000 capabilities",
        clients=1,
        unit="ms",
        ours=slow,
        baseline=slow_of_many,
        against="100 000 capabilities",
        target=20,
        at_most=True,
        absolute=True,
    )
    yield Figure(
        part="validator",
        measure="eligibility alone, 10 000 capabilities",
        clients=1,
        unit="/s",
        ours=eligibility,
        baseline=ours,
        against="validator and eligibility",
        target=10_000,
        absolute=True,
    )


def _rate(reports: Sequence[Any], judge: Callable[[Sequence[Any]], object]) -> float:
    """Return the reports per second of this process's time on the processor."""
    began = time.process_time()
    judge(reports)
    return len(reports) / (time.process_time() - began)


def _judge(reports: Sequence[Report], registry: NameIndex) -> None:
    _decide((validate_report(one, registry=registry, at=AT) for one in reports), registry)


def _decide(verdicts: Iterable[ValidatorVerdict], registry: NameIndex) -> None:
    thresholds, registered = EligibilityThresholds(), RegisteredNames(registry.names)
    for verdict in verdicts:
        snapshot = EligibilitySnapshot(
            report="report",
            source="support_ticket",
            verdict=verdict,
            affected_capabilities=verdict.affected_capabilities,
            registered=registered,
            taken_at=AT,
            system_health=HealthDecision.HEALTHY,
        )
        decide_eligibility(snapshot, thresholds)


def _count_words(reports: Sequence[Report]) -> None:
    for report in reports:
        Counter(report.body.casefold().split())


def _names(count: int, rng: random.Random) -> list[str]:
    names: dict[str, None] = {}
    while len(names) < count:
        names["".join(rng.sample(PARTS, rng.randint(3, 5)))] = None
    return list(names)


def _report(names: Sequence[str], rng: random.Random) -> Report:
    lines: list[str] = []
    while sum(map(len, lines)) < CHARACTERS:
        lines.append(rng.choice(PROSE).format(name=rng.choice(names[:FEW])))
    body = "\n".join(lines)[:CHARACTERS]
    return Report("support_ticket", f"Enable {rng.choice(names[:FEW])}", body)


def _misspelt(names: Sequence[str], rng: random.Random) -> Report:
    words = [_with_error(name, rng) for name in rng.sample(names[:FEW], 20)]
    return Report(
        "support_ticket", "Enable", "".join(f"The feature {one} fails. " for one in words)
    )


def _with_error(name: str, rng: random.Random) -> str:
    at = rng.randrange(1, len(name) - 2)
    return f"{name[:at]}{name[at + 1]}{name[at]}{name[at + 2 :]}"
