"""What time has ended: the contracts and jobs that a sweep would end now, and whether it may.

A wrong clock, a scheduler that stood still, or executors that all lost their connection would make
one sweep end a great part of the work. So a sweep that would end more than a tenth of what is open,
and more than 20, ends none until a person has looked: it is held back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from governance.authorities.contract.due import contracts_past_review, contracts_past_window
from governance.authorities.contract.queries import open_contracts
from governance.authorities.orchestrator.queries import jobs_past_lease, open_jobs
from governance.db.rows import fetch_rows
from governance.domain.errors import EndingsChangedError, TooManyEndingsError
from governance.flows.expire_review import expire_review, expire_window
from governance.flows.run_job import fail_timed_out_job

MAX_ENDINGS = 20
# A sweep ends at most one of as many as this.
MIN_OPEN_PER_ENDING = 10

Move = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Sweep:
    """A sweep: the moves that end something, each with the query of what it is due for."""

    moves: Sequence[tuple[Move, Callable[[datetime], QuerySet[Any]]]]
    open: Callable[[], QuerySet[Any]]


CONTRACTS = Sweep(
    [
        (expire_review, contracts_past_review),
        (expire_window, contracts_past_window),
    ],
    open_contracts,
)
JOBS = Sweep([(fail_timed_out_job, jobs_past_lease)], open_jobs)


@dataclass(frozen=True, slots=True)
class Endings:
    """What a sweep would end, by its moves.

    `open_count` is the number of what is open, exact up to `MIN_OPEN_PER_ENDING` times the endings.
    """

    due: Sequence[tuple[Move, Sequence[UUID]]]
    open_count: int

    @property
    def ids(self) -> list[UUID]:
        return [one for _, ids in self.due for one in ids]

    @property
    def is_held(self) -> bool:
        """Whether these are so many that a person must look first."""
        number = len(self.ids)
        return number > MAX_ENDINGS and number * MIN_OPEN_PER_ENDING > self.open_count


def read_endings(*sweeps: Sweep, at: datetime) -> list[Endings]:
    """Read what each sweep would end at `at`; one statement, whose cost grows with the endings."""
    arrays: list[str] = []
    counts: list[str] = []
    array_params: list[Any] = []
    count_params: list[Any] = []
    for sweep in sweeps:
        names = [f"due_{len(arrays) + number}" for number in range(len(sweep.moves))]
        for name, (_, due) in zip(names, sweep.moves, strict=True):
            sql, params = due(at).values("pk").query.sql_with_params()
            arrays.append(f"ARRAY({sql}) AS {name}")
            array_params += params
        sql, params = sweep.open().values("pk").query.sql_with_params()
        number = " + ".join(f"cardinality({name})" for name in names)
        # Django's own texts and ours: what is compared with is in the parameters.
        most = f"(SELECT {MIN_OPEN_PER_ENDING} * ({number}) FROM due)"  # noqa: S608
        counts.append(f"(SELECT count(*) FROM ({sql} LIMIT {most}) AS open)")  # noqa: S608
        count_params += params
    due_rows = f"WITH due AS MATERIALIZED (SELECT {', '.join(arrays)})"
    statement = f"{due_rows} SELECT {', '.join(counts)}, due.* FROM due"  # noqa: S608
    [row] = fetch_rows(statement, array_params + count_params)
    open_counts, found = row[: len(sweeps)], iter(row[len(sweeps) :])
    return [
        Endings([(move, next(found)) for move, _ in sweep.moves], open_count)
        for sweep, open_count in zip(sweeps, open_counts, strict=True)
    ]


def require_sweepable(endings: Endings, force: int | None) -> None:
    """Refuse a sweep that is held back, unless a person typed how many it would end.

    Raises:
        TooManyEndingsError: `force` is None, and the sweep is held back.
        EndingsChangedError: `force` is another number than that of the endings.
    """
    number = len(endings.ids)
    if force is None and endings.is_held:
        raise TooManyEndingsError(
            f"{number} would end at once, which is more than a tenth of what is open. "
            "Nothing was ended: a person must look first.",
            details={"count": number},
        )
    if force is not None and force != number:
        raise EndingsChangedError(
            f"{number} would end now, not {force}. Nothing was ended.", details={"count": number}
        )
