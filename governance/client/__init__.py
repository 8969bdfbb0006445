"""The client: how a program of yours speaks to a govsite, over HTTP and nothing else.

It reads and writes what the API gives and takes, and nothing beside it: no Django, no database, no
other folder of ours but the vocabulary. `api.py` has a method for each call, `executor.py` the loop
of a worker, `handlers.py` what you write yourself. Calls that get no answer are made again, safely
(`retries.py`). It refuses to begin a step whose job's lease has lapsed, and runs none twice.
"""

from governance.client.api import GovsiteClient
from governance.client.executor import Executor, JobOutcome
from governance.client.handlers import PrintSteps, Step, StepFailed, StepHandler, StepOutcome
from governance.client.problems import (
    ChangeFreezeActive,
    GovsiteError,
    GovsiteProblem,
    JobLost,
    NoAnswer,
)
from governance.client.retries import RetryPolicy

__all__ = [
    "ChangeFreezeActive",
    "Executor",
    "GovsiteClient",
    "GovsiteError",
    "GovsiteProblem",
    "JobLost",
    "JobOutcome",
    "NoAnswer",
    "PrintSteps",
    "RetryPolicy",
    "Step",
    "StepFailed",
    "StepHandler",
    "StepOutcome",
]
