"""Flows: where authorities meet. Each reads aloud what happens, in order.

A flow reads what must be known before a transaction opens (health, the registry), and hands it to
the authority that decides. It decides nothing itself. API, admin and commands call flows.
"""
