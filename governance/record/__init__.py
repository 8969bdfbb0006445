"""The record: the ledger, the signed statements about it, and what was archived.

`ledger/` writes and verifies the hash chains, `attest/` signs checkpoints and evidence,
`retention/` archives contracts and removes them. Names inside archives, evidence and checkpoints
are constants of these packages: files of every earlier version must verify.
"""
