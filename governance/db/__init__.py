"""Access to PostgreSQL: transactions, error translation, row mapping, roles and grants.

May read: any table, for its callers. Writes: no table of its own; it grants rights. Refuses:
what PostgreSQL refuses, as an error of the domain. It knows no authority.
"""
