"""The chain of authorities, in its order: contract, review, orchestrator, health, audit.

Each folder is one authority. Its first lines say what it may read, what it alone writes, and what
it refuses. A later authority may know an earlier one, never the other way round.
"""
