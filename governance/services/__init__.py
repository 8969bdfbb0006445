"""What the chain of authorities leans on: registry, access, change freezes, idempotent requests.

A service owns its tables and decides nothing about a contract. It knows the record and the models,
and no authority.
"""
