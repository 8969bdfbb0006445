"""The contract: the only source of execution intent.

Reads its own tables. `operations.py` alone writes a contract's status, each move with its ledger
entry; `signatures.py` what founders sign; `succession.py` says when one takes another's place;
`clarifications.py` writes the questions and answers of its review, with theirs; `comments.py` what
people remark. It refuses MAY_NOT verdicts, moves that the table does not know, and any change of
what a founder may have signed.
"""
