"""Random edits of the stored record, which `verify_ledger` or a checkpoint must find.

`histories` makes the contracts, `documents` reads their rows and says which ledger entry vouches
for each column, `values` draws other values, `edits` edits rows, and `chains` edits ledger entries.
"""
