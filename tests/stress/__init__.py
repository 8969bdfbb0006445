"""Attacks on a running govsite: races, crashes, liars, and people with a database password.

Each attack is a function that does its worst a given number of times and returns its figure, or
raises BrokenError with what it managed to do. `make torture` runs the long versions, `make test`
the short ones (`test_short.py`). An attack makes the databases, sites and processes that it needs,
and leaves none of them behind.
"""
