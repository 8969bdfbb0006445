"""Services that others use: registry, access, change freezes, breakers, idempotent requests.

A service owns its tables and decides nothing about a contract. It imports the record and the
models, and no authority.
"""
