"""The geometry of the home page's charts; `_chart.html` draws them as SVG, with a table below.

Each figure has the address of the list that it counts. The charts need no script and no other host,
and their colours are those of the stylesheet, which follow the light and the dark theme.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH = 360
TOP, BASE = 26, 150  # y of the tallest column's top, and of the axis
GAP = 0.28  # share of a slot's width that stays empty


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a chart: its kind, value, label, and the address of its list."""

    kind: str
    value: float
    words: str
    url: str


@dataclass(frozen=True, slots=True)
class ChartColumn:
    """Stacked figures over one label."""

    label: str
    figures: Sequence[Figure]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart as it is drawn.

    `blocks` are the figures as rectangles, `slots` the labels below the columns with their x,
    `kinds` the legend; `threshold` is a vertical line between two columns, as x and label.
    """

    name: str
    title: str
    note: str
    empty_words: str
    columns: Sequence[ChartColumn]
    blocks: Sequence[Mapping[str, Any]]
    slots: Sequence[tuple[float, str]]
    kinds: Sequence[str]
    threshold: tuple[float, str] | None


def column_chart(
    name: str,
    title: str,
    columns: Sequence[ChartColumn],
    *,
    note: str,
    empty_words: str,
    threshold: tuple[int, str] | None = None,
) -> Chart:
    """Return a column chart that is scaled to its tallest column; without blocks if all are 0.

    Args:
        threshold: the number of columns to the left of the threshold line, and its label.
    """
    slot = WIDTH / max(1, len(columns))
    tallest = max((sum(f.value for f in column.figures) for column in columns), default=0)
    blocks: list[Mapping[str, Any]] = []
    for index, column in enumerate(columns if tallest else ()):
        blocks += _blocks(column, left=index * slot, slot=slot, tallest=tallest)
    return Chart(
        name=name,
        title=title,
        note=note,
        empty_words=empty_words,
        columns=columns,
        blocks=blocks,
        slots=[(_round((i + 0.5) * slot), column.label) for i, column in enumerate(columns)],
        kinds=_legend(columns),
        threshold=(_round(threshold[0] * slot), threshold[1]) if threshold else None,
    )


def _blocks(
    column: ChartColumn, *, left: float, slot: float, tallest: float
) -> list[Mapping[str, Any]]:
    """Return a column's rectangles, from the bottom up.

    The number of a single figure is above its rectangle; those of stacked figures are inside.
    """
    x, width, y = left + slot * GAP / 2, slot * (1 - GAP), float(BASE)
    is_alone = len(column.figures) == 1
    blocks: list[Mapping[str, Any]] = []
    for figure in column.figures:
        height = (BASE - TOP) * figure.value / tallest
        y -= height
        blocks.append(
            {
                "figure": figure,
                "label": column.label,
                "x": _round(x),
                "y": _round(y),
                "width": _round(width),
                "height": _round(height),
                "middle": _round(x + width / 2),
                "number_y": _round(y - 6 if is_alone else y + height / 2 + 4),
                "shows_number": is_alone or height >= 14,
            }
        )
    return blocks


def _legend(columns: Sequence[ChartColumn]) -> list[str]:
    """Return the kinds of figures, or nothing if no column stacks several."""
    kinds = list(dict.fromkeys(f.kind for column in columns for f in column.figures))
    return kinds if any(len(column.figures) > 1 for column in columns) else []


def _round(number: float) -> float:
    return round(number, 1)
