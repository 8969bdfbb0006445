"""The contract: the only source of execution intent.

It reads its own tables. `creation.py` inserts contracts. `operations.py` alone writes a contract's
status, each move with its ledger entry. `approval.py` takes a founder's signature, which
`signatures.py` writes. `clarifications.py` writes questions and answers, and `comments.py`
comments. `succession.py` replaces a contract by a modified draft. The authority refuses MAY_NOT
verdicts, moves that are not in the table, and changes of content that a founder may have signed.
"""
