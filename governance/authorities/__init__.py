"""The chain: validator, eligibility, contract, review, orchestrator, executor, health, audit.

Each folder is one authority. The docstring of its `__init__.py` says what the authority may read,
what it alone writes, and what it refuses. A later authority may import an earlier one, and an
earlier authority never a later one.
"""
