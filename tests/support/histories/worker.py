"""A worker that runs histories on a database of its own.

It may run as a process of its own, so it imports Django only after it has set the settings.
"""

from __future__ import annotations

import os
import traceback
from collections import Counter
from collections.abc import Callable
from multiprocessing import parent_process
from typing import Any

AT_ONCE = 100  # histories of one Hypothesis run; the database is vacuumed after each run
MAX_MOVES = 50
FIRST_MOVES = 10  # the most moves of `Histories.begin`, which Hypothesis does not count as steps


def run_histories(share: int, seed: int, on_end: Callable[[], Any]) -> Counter[str]:
    """Run at least `share` histories, and return the counts of what happened in them.

    Args:
        on_end: Called after each history.

    Raises:
        Divergence: govsite and the model differ.
    """
    from hypothesis import HealthCheck, Phase, settings
    from hypothesis import seed as seeded
    from hypothesis.stateful import get_state_machine_test

    from governance.services.registry.operations import register_capabilities
    from tests.stress.proof import require_whole_record
    from tests.support.attacks import run_sql
    from tests.support.databases import cloned, ensure_template
    from tests.support.histories.machine import Histories
    from tests.support.roles import as_owner
    from tests.support.users import create_users

    with cloned(ensure_template()):
        register_capabilities(documents=[{"name": "Vault", "frozen": True}, {"name": "Search"}])
        Histories.users = create_users()
        Histories.tally = tally = Counter()
        Histories.on_end = staticmethod(on_end)
        while tally["histories"] < share:
            plan = settings(
                max_examples=min(AT_ONCE, share - tally["histories"]),
                stateful_step_count=MAX_MOVES - FIRST_MOVES + 1,
                deadline=None,
                database=None,
                phases=[Phase.generate, Phase.shrink],
                suppress_health_check=list(HealthCheck),
                print_blob=False,
            )
            history = get_state_machine_test(Histories, settings=plan)
            seeded(seed + tally["histories"])(history)()
            # The rolled back rows are still in the tables, and slow every scan.
            with as_owner():
                run_sql("VACUUM ANALYZE")
        require_whole_record()
    return tally


def work(share: int, seed: int, answers: Any) -> None:
    """Run `run_histories` in this process.

    Puts 1 into `answers` for each history, and at the end the Counter, or the error as text.
    """
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    try:
        import django

        django.setup()

        def ended() -> None:
            if not parent_process().is_alive():  # killed, and so unable to stop this process
                raise SystemExit(1)
            answers.put(1)

        answers.put(run_histories(share, seed, ended))
    except BaseException as broken:  # of any kind, or the parent would wait for ever
        answers.put(f"{broken}\n{traceback.format_exc()}")
        raise
