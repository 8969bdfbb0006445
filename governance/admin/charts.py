"""The geometry of the home page's charts; `_chart.html` draws them as SVG, with a table below.

Each figure has the address of the list that it counts. The charts need no script and no other host,
and their colours are those of the stylesheet, which follow the light and the dark theme.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 360, 180
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
class Block:
    """A figure as a rectangle, with the position of its number."""

    figure: Figure
    label: str
    x: float
    y: float
    width: float
    height: float
    middle: float
    number_y: float
    shows_number: bool


@dataclass(frozen=True, slots=True)
class Slot:
    label: str
    x: float


@dataclass(frozen=True, slots=True)
class Threshold:
    """A vertical line between two columns, with its label."""

    x: float
    words: str


@dataclass(frozen=True, slots=True)
class Chart:
    name: str
    title: str
    note: str
    blocks: Sequence[Block]
    slots: Sequence[Slot]
    kinds: Sequence[str]
    threshold: Threshold | None
    is_empty: bool
    empty_words: str
    columns: Sequence[ChartColumn]


def column_chart(
    name: str,
    title: str,
    columns: Sequence[ChartColumn],
    *,
    note: str = "",
    empty_words: str = "Nothing yet.",
    threshold_after: int | None = None,
    threshold_label: str = "",
) -> Chart:
    """Return a column chart that is scaled to its tallest column.

    Args:
        threshold_after: number of columns to the left of the threshold line; None for no line.
    """
    slot = WIDTH / max(1, len(columns))
    tallest = max((sum(f.value for f in column.figures) for column in columns), default=0)
    blocks: list[Block] = []
    for index, column in enumerate(columns):
        blocks += _blocks(column, left=index * slot, slot=slot, tallest=tallest)
    return Chart(
        name=name,
        title=title,
        note=note,
        blocks=blocks,
        slots=[Slot(c.label, _round((i + 0.5) * slot)) for i, c in enumerate(columns)],
        kinds=_legend(columns),
        threshold=Threshold(_round(threshold_after * slot), threshold_label)
        if threshold_after is not None
        else None,
        is_empty=not tallest,
        empty_words=empty_words,
        columns=columns,
    )


def _blocks(column: ChartColumn, *, left: float, slot: float, tallest: float) -> list[Block]:
    """Return a column's rectangles, from the bottom up.

    The number of a single figure is above its rectangle; those of stacked figures are inside.
    """
    x, width, y = left + slot * GAP / 2, slot * (1 - GAP), float(BASE)
    is_alone = len(column.figures) == 1
    blocks = []
    for figure in column.figures:
        height = (BASE - TOP) * figure.value / tallest if tallest else 0.0
        y -= height
        blocks.append(
            Block(
                figure=figure,
                label=column.label,
                x=_round(x),
                y=_round(y),
                width=_round(width),
                height=_round(height),
                middle=_round(x + width / 2),
                number_y=_round(y - 6 if is_alone else y + height / 2 + 4),
                shows_number=is_alone or height >= 14,
            )
        )
    return blocks


def _legend(columns: Sequence[ChartColumn]) -> list[str]:
    """Return the kinds of figures, or nothing if no column stacks several."""
    kinds = list(dict.fromkeys(f.kind for column in columns for f in column.figures))
    return kinds if any(len(column.figures) > 1 for column in columns) else []


def _round(number: float) -> float:
    return round(number, 1)
