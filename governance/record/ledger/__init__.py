"""The ledger: one hash chain for each contract, covering the contract and its job.

Reads the rows whose digests it keeps. It alone writes `LedgerEntry` (`chain.py`), and proves that
nothing was rewritten (`verification.py`). It refuses nothing that an authority decided; PostgreSQL
refuses entries that do not link, and `refusals.py` says what each of PostgreSQL's laws means.
"""
