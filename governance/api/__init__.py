"""The HTTP API: a file per resource; each call makes one call inwards and translates one answer.

Reads through queries, writes through flows. It creates no contract and no job, approves nothing
and writes no status. It refuses whoever has no token or not the permission that an action names
(`permissions.py`), input that does not have exactly the form asked for (`parsers.py`, `fields.py`),
and says every refusal as a problem document (`problems.py`).
"""
