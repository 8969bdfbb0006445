"""Schemathesis over the API's own schema: what it allows is taken, what it forbids is refused.

A world is set up with contracts and jobs in every state (`world.py`). Every request is a
transaction that is undone (`rollback.py`), so that the thousandth finds what the first one found.
`make test` sends some thousands (`test_fuzz.py`), `make fuzz` as many as one likes.
"""
