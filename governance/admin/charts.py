"""Charts as shapes on a canvas of fixed size; the template draws them, and a table says the same.

Every figure carries the address of the list behind it. No script, no other host, and the colours
are the stylesheet's, so that they follow light and dark.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 360, 180
TOP, BASE = 26, 150  # the tallest column ends at TOP; labels stand below BASE
GAP = 0.28  # of a column's slot


@dataclass(frozen=True, slots=True)
class Figure:
    """One number: which kind of thing, how many or how much, in words, and where its list is."""

    kind: str
    value: float
    words: str
    url: str


@dataclass(frozen=True, slots=True)
class ChartColumn:
    """Figures that stand on each other, over a label."""

    label: str
    figures: Sequence[Figure]


@dataclass(frozen=True, slots=True)
class Block:
    """A figure as a rectangle, and where its number stands."""

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
    """A line across the columns, and what it marks."""

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
    """Columns side by side, scaled to the tallest; a threshold after `threshold_after` of them."""
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
    """Rectangles from the bottom up; a lone figure has its number above, others theirs inside."""
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
    """The kinds, where a column has more than one."""
    kinds = list(dict.fromkeys(f.kind for column in columns for f in column.figures))
    return kinds if any(len(column.figures) > 1 for column in columns) else []


def _round(number: float) -> float:
    return round(number, 1)
