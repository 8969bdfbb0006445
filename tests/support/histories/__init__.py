"""Model-based tests: random moves on a few contracts, made on govsite and on a model of it.

`model` and `job_model` are plain Python, written by hand from the design. `comparison` makes a move
on both and compares the results, which `state` reads. `contract_moves`, `review_moves`, `job_moves`
and `machine` define the moves. `worker` runs histories on a database of its own.
"""
