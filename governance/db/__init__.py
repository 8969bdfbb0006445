"""How we speak to PostgreSQL: transactions, error translation, row mapping, roles, grants.

It knows tables by name and the domain's errors, and no authority. It decides nothing.
"""
