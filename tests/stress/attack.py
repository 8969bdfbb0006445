"""The definition of an attack, and the registry of all attacks."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import SystemRandom
from typing import Any

Advance = Callable[[float], Any]


class BrokenError(AssertionError):
    """An attack succeeded; the message says how."""


@dataclass(frozen=True)
class AttackResult:
    """The result of an attack: one line for people, numbers for programs."""

    summary: str
    numbers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Attack:
    """An attack that can be repeated.

    `run(count, advance)` makes `count` attempts, and calls `advance(n)` after each n of them.
    `short` is the count in the test suite, `long` the count of `make stress`.
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
    """Return a decorator that registers a function as an attack."""

    def enlist(
        run: Callable[[int, Advance], AttackResult],
    ) -> Callable[[int, Advance], AttackResult]:
        assert name not in ATTACKS, name
        ATTACKS[name] = Attack(name, title, unit, short, long, run)
        return run

    return enlist


def require(held: Any, how: str) -> None:
    """Raise BrokenError with the message `how`, unless `held` is true."""
    if not held:
        raise BrokenError(how)


def chosen_seed() -> int:
    """Return the seed of `--seed` (STRESS_SEED), or a new one, which the attack prints."""
    given = os.environ.get("STRESS_SEED", "")
    return int(given) if given else SystemRandom().randrange(10**9)
