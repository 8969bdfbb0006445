"""Rounds in which both sides take turns, so that a slow moment of the machine hits them alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

# Given how many clients there are and what the round is about: how many calls a second.
Run = Callable[[int, Any], float]


@dataclass(frozen=True, slots=True)
class Rates:
    """Calls a second at one number of clients, round by round."""

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
    """Run both sides `rounds` times at each number of clients, the one or the other first.

    `about` gives what the round with so many clients is about, the same for both.
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
    """How many calls make a round: `usual` of one client, half as many of each of several."""
    return max(1, round(usual / (1 if clients == 1 else 2))) * clients
