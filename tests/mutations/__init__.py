"""Mutations: each guard is dropped in turn, and the tests that its row names must fail.

`table.toml` has the rows, `guards.py` finds every guard, and `drop.py` drops one.
"""
