"""Tests of the order of rounds, and of the worker pool."""

from __future__ import annotations

import time

import pytest

from tests.benchmarks.rounds import calls_of, in_turns
from tests.benchmarks.worker_pool import Work, WorkerPool, shares_of


def works() -> dict[str, Work]:
    def fail(item: int) -> None:
        raise ValueError(f"not {item}")

    return {"double": lambda item: 2 * item, "sleep": time.sleep, "fail": fail}


def test_rounds__of_two_implementations__take_turns_in_going_first() -> None:
    runs: list[str] = []

    def run(side: str, many: int, about: str) -> float:
        runs.append(f"{side}{many}{about}")
        return float(len(runs))

    rates = in_turns(
        2,
        [1, 8],
        ours=lambda many, about: run("o", many, about),
        baseline=lambda many, about: run("b", many, about),
        about=lambda many: f"x{many}",
        advance=lambda done: None,
    )
    assert runs == ["b1x1", "o1x1", "b8x8", "o8x8", "o1x1", "b1x1", "o8x8", "b8x8"]
    assert (rates[1].ours, rates[1].baseline) == ([2.0, 5.0], [1.0, 6.0])


def test_worker_pool__given_shares__does_them_at_once() -> None:
    with WorkerPool(works, 3) as worker_pool:
        assert worker_pool.do("double", shares_of(range(5), 3)) >= 0
        assert worker_pool.outcomes == [6, 8, 4]
        # Three sleeps at the same time take as long as one of them.
        assert 0.2 <= worker_pool.do("sleep", [[0.2], [0.2], [0.2]]) < 0.55


def test_worker_pool__in_which_one_fails__raises_its_error_and_goes_on() -> None:
    with WorkerPool(works, 2) as worker_pool:
        with pytest.raises(RuntimeError, match="fail: ValueError: not 1"):
            worker_pool.do("fail", [[1], [1]])
        worker_pool.do("double", [[1], [2]])
        assert worker_pool.outcomes == [2, 4]


@pytest.mark.parametrize(("usual", "clients", "calls"), [(200, 1, 200), (200, 8, 800), (0.4, 8, 8)])
def test_round__of_several_clients__is_half_as_many_calls_of_each(
    usual: float, clients: int, calls: int
) -> None:
    assert calls_of(usual, clients) == calls
