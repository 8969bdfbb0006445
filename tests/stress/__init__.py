"""Attacks on a running govsite: races, crashes, false input, and edits by the tables' owner.

Each attack is a function that makes a given number of attempts. It returns an AttackResult, or
raises BrokenError if an attempt succeeded. `make stress` runs the long versions, the suite the
short ones (`test_short.py`), most of them in `make test-long`. An attack creates the databases,
sites and processes that it needs, and removes them.
"""
