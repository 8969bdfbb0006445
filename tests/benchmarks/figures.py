"""The figures of a benchmark: values of govsite and of the baseline, and their ratio."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table; `ours` and `baseline` have a value for each round, in order.

    The ratio of a round is ours divided by the baseline. The median ratio must be at least `target`
    (at most, if `at_most`). If `absolute`, the target is for the median of ours instead.
    """

    part: str
    measure: str
    clients: int
    unit: str
    ours: Sequence[float]
    baseline: Sequence[float]
    against: str
    target: float | None = None
    at_most: bool = False
    absolute: bool = False

    @property
    def ratios(self) -> list[float]:
        return [ours / theirs for ours, theirs in zip(self.ours, self.baseline, strict=True)]

    @property
    def ratio(self) -> float:
        return median(self.ratios)

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None if there is no target."""
        if self.target is None:
            return None
        reached = median(self.ours) if self.absolute else self.ratio
        return reached <= self.target if self.at_most else reached >= self.target

    def document(self) -> dict[str, Any]:
        """Return the figure as `--json` prints it."""
        return {
            "part": self.part,
            "measure": self.measure,
            "clients": self.clients,
            "unit": self.unit,
            "ours": median(self.ours),
            "baseline": median(self.baseline),
            "against": self.against,
            "ratio": self.ratio,
            "ratios": self.ratios,
            "to_reach": self.target,
            "at_most": self.at_most,
            "absolute": self.absolute,
            "met": self.met,
        }


def table(figures: Iterable[Figure]) -> Iterable[str]:
    """Yield the lines of a Markdown table."""
    yield "| measure | clients | ours | baseline | ratio, median (min–max) | to reach | met |"
    yield "|---" * 7 + "|"
    for one in figures:
        bound = "" if one.target is None else f"{'≤' if one.at_most else '≥'} {_bound(one)}"
        met = {None: "", True: "yes", False: "**no**"}[one.met]
        yield (
            f"| {one.measure} | {one.clients} | {_amount(median(one.ours))} {one.unit} "
            f"| {_amount(median(one.baseline))} {one.unit}, {one.against} "
            f"| {one.ratio:.2f} ({min(one.ratios):.2f}–{max(one.ratios):.2f}) | {bound} | {met} |"
        )


def _bound(figure: Figure) -> str:
    return f"{_amount(figure.target or 0)}{f' {figure.unit}' if figure.absolute else ''}"


def _amount(value: float) -> str:
    if value >= 100 or value == int(value):
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.2f}"
