"""The flow that django-viewflow runs; each node is finished in a transaction of its own."""

from __future__ import annotations

from viewflow import this
from viewflow.workflow import flow, lock
from viewflow.workflow.models import Process


class ChangeFlow(flow.Flow):  # type: ignore[misc]
    process_class = Process
    lock_impl = lock.select_for_update_lock

    start = flow.StartHandle().Next(this.approve)
    approve = flow.Handle().Next(this.first)
    first = flow.Handle().Next(this.second)
    second = flow.Handle().Next(this.third)
    third = flow.Handle().Next(this.end)
    end = flow.End()
