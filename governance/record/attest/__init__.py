"""Signed statements about the record: checkpoints, and evidence as in-toto statements.

May read: the chains and the sealed evidence. Writes: files, never rows. Refuses: a key that is not
Ed25519, and a signature that does not verify.
"""
