"""A large record to measure on: a million contracts in minutes, each as the real flows make them.

One original of every kind is told by the flows that the product itself uses. Its rows and every
text that was hashed are then turned into templates, with names for what differs from copy to copy,
and PostgreSQL fills them by the thousand and hashes anew: the copies' chains, seals and digests are
real, and `verify_ledger` proves it. The laws look away while a batch is written, in that batch's
transaction alone. Only for a database that will be thrown away.
"""
