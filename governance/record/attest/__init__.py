"""Signed statements about the record: checkpoints, and evidence as in-toto statements.

Reads the heads of the chains and sealed evidence; writes files, never rows. It refuses a key that
is not Ed25519, and a signature that does not verify.
"""
