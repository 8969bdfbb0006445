"""Edits of the stored record, as the owner of the tables could make them, and who must find them.

`tales` tells the record that is edited, `pictures` shows what stands in it and which entry vouches
for what, `values` draws other values, `rows`, `chains` and `forgeries` edit.
"""
