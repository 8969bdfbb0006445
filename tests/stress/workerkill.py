"""The attack `workerkill`: workers are killed within steps, and others take their place."""

from __future__ import annotations

import time
from random import Random

from tests.stress.attack import Advance, AttackResult, attack, chosen_seed
from tests.stress.proof import require_whole_record
from tests.stress.worker_load import worker_load
from tests.support.databases import cloned, ensure_template
from tests.support.users import create_users

WORKERS = 3
# The timeout of a step, and no grace: the lease of a killed worker ends as early as it can.
LEASE = (1, 0)
MAX_LOAD_SECONDS = 1.0


@attack(
    "workerkill",
    "kill -9 of a worker at random under load",
    unit="kills",
    short=6,
    long=200,
)
def workerkill(count: int, advance: Advance) -> AttackResult:
    seed = chosen_seed()
    lots = Random(seed)
    with cloned(ensure_template()), worker_load(create_users(), WORKERS, lease=LEASE) as load:
        for _ in range(count):
            load.wait_until_all_listen()
            begun = load.begun()
            load.fill()
            load.wait_until_at_work(since=begun)
            time.sleep(lots.uniform(0, MAX_LOAD_SECONDS))
            # A full minute may have passed since: a kill in a sweep would delay it to the next one.
            load.wait_until_all_listen()
            load.kill(lots.randrange(WORKERS))
            advance(1)
        load.wait_until_ended()
        ways, slowest = load.require_resolved()
        entries = require_whole_record()
    return AttackResult(
        f"{count} kills, {ways.total()} jobs, none lost and no step done twice: "
        f"{ways['completed']} ended COMPLETED, {ways['lost']} FAILED by the sweep and "
        f"{ways['failed']} by a step; the last one ended {slowest:.0f} s after its lease; "
        f"{entries} entries verify (seed {seed})",
        {"kills": count, "jobs": ways.total(), "lost": ways["lost"], "slowest_seconds": slowest},
    )
