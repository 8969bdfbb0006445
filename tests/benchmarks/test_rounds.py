"""Who goes first, and what a crew makes of its shares."""

from __future__ import annotations

import time

import pytest

from tests.benchmarks.crew import Crew, Work, shares_of
from tests.benchmarks.rounds import calls_of, in_turns


def works() -> dict[str, Work]:
    def fail(item: int) -> None:
        raise ValueError(f"not {item}")

    return {"double": lambda item: 2 * item, "sleep": time.sleep, "fail": fail}


def test_rounds__of_two_sides__take_turns_in_going_first() -> None:
    told: list[str] = []

    def run(side: str, many: int, about: str) -> float:
        told.append(f"{side}{many}{about}")
        return float(len(told))

    rates = in_turns(
        2,
        [1, 8],
        ours=lambda many, about: run("o", many, about),
        baseline=lambda many, about: run("b", many, about),
        about=lambda many: f"x{many}",
        advance=lambda done: None,
    )
    assert told == ["b1x1", "o1x1", "b8x8", "o8x8", "o1x1", "b1x1", "o8x8", "b8x8"]
    assert (rates[1].ours, rates[1].baseline) == ([2.0, 5.0], [1.0, 6.0])


def test_crew__given_shares__does_them_at_once() -> None:
    with Crew(works, 3) as crew:
        assert crew.do("double", shares_of(range(5), 3)) >= 0
        assert crew.outcomes == [6, 8, 4]
        # Each sleeps for as long as all of it takes.
        assert 0.2 <= crew.do("sleep", [[0.2], [0.2], [0.2]]) < 0.55


def test_crew__in_which_one_fails__says_its_words_and_goes_on() -> None:
    with Crew(works, 2) as crew:
        with pytest.raises(RuntimeError, match="fail: ValueError: not 1"):
            crew.do("fail", [[1], [1]])
        crew.do("double", [[1], [2]])
        assert crew.outcomes == [2, 4]


@pytest.mark.parametrize(("usual", "clients", "calls"), [(200, 1, 200), (200, 8, 800), (0.4, 8, 8)])
def test_round__of_several_clients__is_half_as_many_calls_of_each(
    usual: float, clients: int, calls: int
) -> None:
    assert calls_of(usual, clients) == calls
