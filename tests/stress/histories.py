"""The attack `histories`: random moves on govsite and on a model of it, which must agree."""

from __future__ import annotations

import os
from collections import Counter
from multiprocessing import get_context
from queue import Empty

from tests.stress.attack import Advance, AttackResult, BrokenError, attack, chosen_seed
from tests.support.histories.worker import MAX_MOVES, run_histories, work

ALONE_UP_TO = 200  # histories in this process; more are divided among processes
SEED_OF_THE_SHORT_ONE = 3
FAR_APART = 1_000_000  # the difference between the seeds of two processes
MAX_SILENCE_SECONDS = 300  # without the end of any history


@attack(
    "histories",
    f"histories of up to {MAX_MOVES} moves, against a model of the design",
    unit="histories",
    short=50,
    long=10_000,
)
def histories(count: int, advance: Advance) -> AttackResult:
    if count <= ALONE_UP_TO:
        seed = chosen_seed() if os.environ.get("STRESS_SEED") else SEED_OF_THE_SHORT_ONE
        tally = run_histories(count, seed, lambda: advance(1))
    else:
        seed = chosen_seed()
        try:
            tally = run_in_processes(count, seed, advance)
        except BrokenError as broken:
            raise BrokenError(
                f"{broken}\nAgain: python -m tests.stress histories={count} --seed {seed}"
            ) from None
    return AttackResult(
        f"no divergence in {tally['histories']} histories, {tally['moves']} moves, "
        f"{tally['refusals']} of them refused by both alike; contracts ended "
        f"{ends(tally, 'contract')}; jobs {ends(tally, 'job')}; audits {ends(tally, 'audit')} "
        f"(seed {seed})\nanswers: {ends(tally, 'answer')}",
        {**tally, "seed": seed},
    )


def run_in_processes(count: int, seed: int, advance: Advance) -> Counter[str]:
    """Divide the histories among processes, one for each core."""
    context = get_context("spawn")
    answers = context.Queue()
    cores = os.cpu_count() or 1
    shares = [count // cores + (number < count % cores) for number in range(cores)]
    workers = [
        context.Process(target=work, args=(share, seed + number * FAR_APART, answers), daemon=True)
        for number, share in enumerate(shares)
    ]
    for worker in workers:
        worker.start()
    tally: Counter[str] = Counter()
    waiting = len(workers)
    try:
        while waiting:
            answer = answers.get(timeout=MAX_SILENCE_SECONDS)
            if isinstance(answer, str):
                raise BrokenError(answer)
            if isinstance(answer, Counter):
                tally += answer
                waiting -= 1
            else:
                advance(answer)
    except Empty:
        raise BrokenError(f"no history ended for {MAX_SILENCE_SECONDS} seconds") from None
    finally:
        for worker in workers:
            if waiting:
                worker.terminate()
            worker.join()
    return tally


def ends(tally: Counter[str], kind: str) -> str:
    """List the counts of one kind, the highest first."""
    counted = {
        name.removeprefix(f"{kind} "): times
        for name, times in tally.most_common()
        if name.startswith(f"{kind} ")
    }
    return ", ".join(f"{times} {name}" for name, times in counted.items())
