"""`python -m tests.benchmarks.empty_worker N`: a worker of procrastinate whose task does nothing.

It works on N tasks at a time, on the tables of procrastinate in the benchmark's database.
"""

from __future__ import annotations

import os
import sys

from procrastinate import App, PsycopgConnector

from tests.benchmarks.names import EMPTY


def main(concurrency: int) -> None:
    address = os.environ["GOVSITE_OWNER_DATABASE_URL"]
    app = App(connector=PsycopgConnector(conninfo=address, min_size=1, max_size=4))

    @app.task(name=EMPTY, queue=EMPTY)
    def do_nothing() -> None:
        pass

    app.run_worker(queues=[EMPTY], concurrency=concurrency, delete_jobs="successful")


if __name__ == "__main__":
    main(int(sys.argv[1]))
