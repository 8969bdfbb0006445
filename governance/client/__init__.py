"""The API's client in Python: typed calls over HTTP, and the loop of an executor.

It reads and writes only through the API: it imports no Django, opens no database connection, and of
govsite's packages it imports only `domain`. `api.py` has a method for each call, `executor.py` the
loop, and `handlers.py` the interface that the author of an executor implements. Calls without a
response are retried safely (`retries.py`). The executor refuses to start a step after the job's
lease expired, and never runs a step twice.
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
