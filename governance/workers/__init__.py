"""The workers: processes that run jobs and what is due by time, each task by one flow.

They read and write the queue, which is procrastinate's, and nothing else themselves. The queue is a
hint: what must not be lost is in the record, and is enqueued again when its task is missing. A
worker decides nothing; a flow refuses what may not be done. `queries.py` reads workers and queue
for pages and `doctor`.
"""
