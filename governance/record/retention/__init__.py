"""Retention: archives of contracts that have ended, and the removal of archived contracts.

May read: all rows of a contract, which `export.py` writes into a file (`document.py`) of an archive
directory (`archive_directory.py`); `archive_verification.py` verifies it without a database. Alone
writes: `ContractTombstone`, and deletes the rows of an archived contract (`removal.py`), as the
owner of the tables. Refuses: to export a chain that does not verify, and to remove a contract
whose record differs from its file by one byte.
"""
