"""The API's client in Python: typed calls over HTTP, and the loop of an executor.

It reads and writes only through the API: it imports no Django, opens no database connection, and of
govsite's packages it imports only `domain` and the machine of `authorities/executor`. `api.py` has
a method for each call, `executor.py` the loop over jobs. Calls without a response are retried
safely (`retries.py`). The executor refuses to start a step after the job's lease expired, and never
runs a step twice.
"""

from governance.authorities.executor.steps import Step, StepHandler, StepOutcome, StepRefused
from governance.client.api import GovsiteClient
from governance.client.breaker import ExecutorBreaker
from governance.client.executor import Executor, JobOutcome
from governance.client.outages import OutageLog
from governance.client.print_steps import PrintSteps
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
    "ExecutorBreaker",
    "GovsiteClient",
    "GovsiteError",
    "GovsiteProblem",
    "JobLost",
    "JobOutcome",
    "NoAnswer",
    "OutageLog",
    "PrintSteps",
    "RetryPolicy",
    "Step",
    "StepHandler",
    "StepOutcome",
    "StepRefused",
]
