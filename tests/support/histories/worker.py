"""Tell histories on a database of one's own. Imports Django late: it may run as a process."""

from __future__ import annotations

import os
import traceback
from collections import Counter
from collections.abc import Callable
from multiprocessing import parent_process
from typing import Any

AT_ONCE = 100  # histories that Hypothesis plans together; the database is tidied after them
MAX_MOVES = 50
FIRST_MOVES = 10  # which a history may begin with, beside those that Hypothesis counts


def run_histories(share: int, seed: int, on_end: Callable[[], Any]) -> Counter[str]:
    """Tell at least `share` histories; what happened in them. Raises for the first divergence."""
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
            # What was rolled back is still in the way of whoever reads the tables.
            with as_owner():
                run_sql("VACUUM ANALYZE")
        require_whole_record()
    return tally


def work(share: int, seed: int, answers: Any) -> None:
    """`run_histories` as a process: puts 1 for each history, then a Counter or what went wrong."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    try:
        import django

        django.setup()

        def ended() -> None:
            if not parent_process().is_alive():  # killed: nobody would ever stop us
                raise SystemExit(1)
            answers.put(1)

        answers.put(run_histories(share, seed, ended))
    except BaseException as broken:  # whatever it is, the one who waits must hear of it
        answers.put(f"{broken}\n{traceback.format_exc()}")
        raise
