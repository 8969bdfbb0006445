"""What an attack is, and the list of all of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import SystemRandom
from typing import Any

Advance = Callable[[float], Any]


class BrokenError(AssertionError):
    """An attack succeeded; says how."""


@dataclass(frozen=True)
class AttackResult:
    """What an attack showed: one line for people, numbers for programs."""

    summary: str
    numbers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Attack:
    """`run(count, advance)` attacks `count` times and calls `advance(n)` as it goes on.

    `short` is the count in the suite, `long` the one of `make stress`.
    """

    name: str
    title: str
    unit: str
    short: int
    long: int
    run: Callable[[int, Advance], AttackResult]


ATTACKS: dict[str, Attack] = {}


def attack(
    name: str, title: str, *, unit: str, short: int, long: int
) -> Callable[[Callable[[int, Advance], AttackResult]], Callable[[int, Advance], AttackResult]]:
    """Decorate a function to put it on the list."""

    def enlist(
        run: Callable[[int, Advance], AttackResult],
    ) -> Callable[[int, Advance], AttackResult]:
        assert name not in ATTACKS, name
        ATTACKS[name] = Attack(name, title, unit, short, long, run)
        return run

    return enlist


def require(held: Any, how: str) -> None:
    """The attack was withstood, or BrokenError says how it was not."""
    if not held:
        raise BrokenError(how)


def chosen_seed() -> int:
    """What attacks draw lots from: `--seed` (STRESS_SEED), or a new one, to be printed."""
    given = os.environ.get("STRESS_SEED", "")
    return int(given) if given else SystemRandom().randrange(10**9)
