"""Rounds in which both sides alternate, so that a slow moment of the machine affects both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

# Given the number of clients and the subject of the round, returns the calls per second.
Run = Callable[[int, Any], float]


@dataclass(frozen=True, slots=True)
class Rates:
    """Calls per second at one number of clients, a value for each round."""

    ours: list[float] = field(default_factory=list)
    baseline: list[float] = field(default_factory=list)


def in_turns(
    rounds: int,
    clients: Sequence[int],
    *,
    ours: Run,
    baseline: Run,
    about: Callable[[int], Any] = lambda many: None,
    advance: Callable[[int], object],
) -> dict[int, Rates]:
    """Run both sides `rounds` times at each number of clients; they alternate in going first.

    Args:
        about: Returns the subject of a round, given the number of clients; both sides get it.
    """
    rates = {many: Rates() for many in clients}
    for turn in range(rounds):
        for many in clients:
            subject, kept = about(many), rates[many]
            runs = [(ours, kept.ours), (baseline, kept.baseline)]
            for run, figures in runs if turn % 2 else reversed(runs):
                figures.append(run(many, subject))
            advance(1)
    return rates


def calls_of(usual: float, clients: int) -> int:
    """Return the calls of a round: `usual` of one client, half as many of each of several."""
    return max(1, round(usual / (1 if clients == 1 else 2))) * clients
