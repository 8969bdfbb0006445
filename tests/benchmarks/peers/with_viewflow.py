"""django-viewflow: a process that is started, approved, and executed in three tasks."""

from __future__ import annotations

import os

from tests.benchmarks.worker_pool import Work


def prepare(url: str) -> None:
    """Create the tables of django-viewflow."""
    _set_up(url)
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def set_up_worker(url: str) -> dict[str, Work]:
    _set_up(url)
    from tests.benchmarks.peers.flows import ChangeFlow

    def whole(number: int) -> None:
        process = ChangeFlow.start.run()
        for node in (ChangeFlow.approve, ChangeFlow.first, ChangeFlow.second, ChangeFlow.third):
            node.run(process.task_set.get(flow_task=node))

    return {"whole": whole}


def _set_up(url: str) -> None:
    os.environ["PEER_DATABASE_URL"] = url
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.benchmarks.peers.settings"
    import django

    django.setup()
