"""The HTTP API: one module per resource; each call runs one query or one flow.

It reads through queries and writes through flows. No call proposes or approves a contract, and no
call writes a status itself. The API refuses a caller without a token or without the permission
that the action names (`permissions.py`), and input that is not exactly of the documented form
(`parsers.py`, `fields.py`). Every error becomes a problem document (`problems.py`).
"""
