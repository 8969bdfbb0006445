"""The ledger: one hash chain for each contract, which covers the contract and its job.

May read: the rows whose digests the entries contain. Alone writes: `LedgerEntry` (`chain.py`).
Refuses: nothing that an authority decided; PostgreSQL refuses an entry that does not continue its
chain. `verification.py` shows whether a row or an entry was changed.
"""
