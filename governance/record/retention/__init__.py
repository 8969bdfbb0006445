"""Retention: contracts that came to rest leave the database without being lost.

Reads everything on record about a contract and writes it into a file that verifies on its own
(`document.py`, `shelf.py`, `export.py`; `checking.py` looks again, without any database). It alone
writes `ContractTombstone` and removes what it archived (`removal.py`), as the owner of the tables:
the application's role cannot. Refuses to export a chain that does not verify, and to remove what
is not, byte for byte, what its file says.
"""
