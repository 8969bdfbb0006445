"""A large database for benchmarks: a million contracts in minutes, like those of the real flows.

The flows of the product make one original of each kind. Its rows and every hashed text are turned
into a template, with named columns for everything that differs between copies. PostgreSQL fills the
template thousands of times and computes the hashes, so the chains and digests of the copies are
correct, and `verify_ledger` accepts them. The triggers are disabled while a batch is written, in
its transaction only. This is only for a database that is dropped afterwards.
"""
