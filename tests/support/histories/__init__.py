"""Histories: random moves on a few contracts, told to govsite and to a model of it at once.

`model` and `job_model` are plain Python, written by hand from the design; `both` makes a move on
both and compares what `look` sees; `contract_moves`, `job_moves` and `machine` say which moves
there are; `worker` tells a number of histories on a database of its own.
"""
