"""The attack `workerpgkill`: PostgreSQL is killed while workers run jobs, and started again."""

from __future__ import annotations

import os
import signal
import time
from random import Random

from django.db import InterfaceError, OperationalError, connections

from govsite.embedded.cluster import Cluster
from tests.stress.attack import Advance, AttackResult, attack, chosen_seed, require
from tests.stress.database_outage import own_cluster
from tests.stress.pgkill import a_backend, query_value
from tests.stress.proof import require_whole_record
from tests.stress.worker_load import WorkerLoad, worker_load
from tests.support.users import create_users

WORKERS = 3
# The timeout of a step and the grace: longer than PostgreSQL takes to recover.
LEASE = (5, 10)
MAX_LOAD_SECONDS = 1.0
MAX_RECOVERY_SECONDS = 60.0


@attack(
    "workerpgkill",
    "kill -9 of PostgreSQL (every fourth time of a backend) while workers run jobs",
    unit="kills",
    short=2,
    long=20,
)
def workerpgkill(count: int, advance: Advance) -> AttackResult:
    seed = chosen_seed()
    lots = Random(seed)
    recoveries: list[float] = []
    with own_cluster() as cluster, worker_load(create_users(), WORKERS, lease=LEASE) as load:
        require(query_value("SHOW fsync") == "on", "fsync is off on this server")
        for number in range(count):
            load.wait_until_all_listen()
            begun = load.begun()
            load.fill()
            load.wait_until_at_work(since=begun)
            time.sleep(lots.uniform(0, MAX_LOAD_SECONDS))
            if number % 4 == 1:
                os.kill(a_backend(lots), signal.SIGKILL)
            else:
                os.kill(postmaster_of(cluster), signal.SIGKILL)
            recoveries.append(seconds_until_at_work(cluster, load))
            advance(1)
        load.wait_until_ended()
        ways, slowest = load.require_resolved()
        entries = require_whole_record()
    return AttackResult(
        f"{count} kills, {ways.total()} jobs, none lost and no step done twice: "
        f"{ways['completed']} ended COMPLETED, {ways['failed']} FAILED by a step and "
        f"{ways['lost']} by the sweep, at most {slowest:.0f} s after the lease; "
        f"the workers ran jobs again after {max(recoveries):.1f} s at most; "
        f"{entries} entries verify (seed {seed})",
        {
            "kills": count,
            "jobs": ways.total(),
            "lost": ways["lost"],
            "slowest_seconds": slowest,
            "worst_recovery_seconds": max(recoveries),
        },
    )


def postmaster_of(cluster: Cluster) -> int:
    return int((cluster.path / "postmaster.pid").read_text().splitlines()[0])


def seconds_until_at_work(cluster: Cluster, load: WorkerLoad) -> float:
    """Let PostgreSQL recover, and wait until the workers run new jobs; return the seconds."""
    killed_at = time.monotonic()
    while not filled(cluster, load):
        require(time.monotonic() < killed_at + MAX_RECOVERY_SECONDS, "PostgreSQL did not recover")
    load.wait_until_at_work(since=load.begun())
    seconds = time.monotonic() - killed_at
    require(seconds < MAX_RECOVERY_SECONDS, f"no job ran for {seconds:.0f} s")
    return seconds


def filled(cluster: Cluster, load: WorkerLoad) -> bool:
    """Tell whether PostgreSQL runs and the workers got jobs; try to start it if it does not run.

    Until the killed process is gone, the server seems to run, and it may go into recovery later.
    """
    connections.close_all()
    if not cluster.answers():
        cluster.ensure_running()
        return False
    try:
        load.fill()
    except (OperationalError, InterfaceError):
        return False
    return True
