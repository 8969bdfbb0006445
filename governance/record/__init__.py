"""The record: the ledger, the signed statements about it, and the archives of contracts.

`ledger/` appends and verifies the hash chains, `attest/` signs checkpoints and evidence, and
`retention/` archives and removes contracts. Names inside archives, evidence and checkpoints are
constants of these packages, because the files of every earlier version must verify.
"""
