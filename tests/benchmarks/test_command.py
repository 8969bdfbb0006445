"""Tests of the command line and of the figures; nothing is measured here."""

from __future__ import annotations

import pytest

from tests.benchmarks import parts
from tests.benchmarks.__main__ import main
from tests.benchmarks.figures import Figure, table
from tests.benchmarks.names import PARTS, RECORD


def figure(
    ours: list[float],
    baseline: list[float],
    *,
    target: float | None = None,
    at_most: bool = False,
) -> Figure:
    return Figure("record", "claim", 8, "/s", ours, baseline, "limit", target, at_most)


def test_figure__of_rounds_apart__is_the_median_of_their_ratios() -> None:
    one = figure([10, 60, 30], [20, 60, 120], target=0.5)
    assert one.ratios == [0.5, 1.0, 0.25]
    assert one.ratio == 0.5
    assert one.met is True


@pytest.mark.parametrize(
    ("target", "at_most", "met"),
    [(None, False, None), (0.9, False, False), (0.4, True, False), (0.6, True, True)],
)
def test_figure__held_to_its_promise__says_whether_it_is_met(
    target: float | None, at_most: bool, met: bool | None
) -> None:
    assert figure([1.0], [2.0], target=target, at_most=at_most).met is met


def test_table__of_a_figure_that_misses__says_so() -> None:
    *_, row = table([figure([10.0], [40.0], target=0.5)])
    assert row == "| claim | 8 | 10 /s | 40 /s, limit | 0.25 (0.25–0.25) | ≥ 0.50 | **no** |"


@pytest.mark.parametrize(
    "arguments",
    [
        ["nothing"],
        ["record", "--only", "activate,nothing"],
        ["--rounds", "0"],
        ["--clients", "0"],
        ["--prefill", "5"],
        ["--requests", "2000", "100"],
    ],
)
def test_command__asked_for_what_is_not_there__ends_with_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as leaving:
        main(arguments)
    assert leaving.value.code == 2
    assert "error: " in capsys.readouterr().err


def test_parts__as_the_command_names_them__are_all_there() -> None:
    assert all(callable(getattr(parts, name)) for name in PARTS)


def test_help__names_every_part_and_measure(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as leaving:
        main(["--help"])
    assert leaving.value.code == 0
    output = " ".join(capsys.readouterr().out.split())
    assert all(name in output for name in (*PARTS, *RECORD))
