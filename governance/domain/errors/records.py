"""Errors of archives, signed statements, checkpoints and keys."""

from __future__ import annotations

from governance.domain.errors.base import Advice, InvalidInputError, WrongStateError


# --- archives ---
class BadArchiveError(InvalidInputError, code="bad_archive"):
    """An archive directory or file that is not complete, or was altered."""


class InTheFutureError(InvalidInputError, code="in_the_future"):
    """An archive of contracts that end before a time in the future."""


class ArchiveUnfinishedError(WrongStateError, code="archive_unfinished"):
    """An archive directory whose last export was interrupted."""


class ArchiveInUseError(WrongStateError, code="archive_in_use", advice=Advice.WAIT):
    """An archive directory to which another process is writing."""


# --- statements ---
class BadEnvelopeError(InvalidInputError, code="bad_envelope"):
    """A file that is not a signed envelope of the expected type."""


class BadSignatureError(InvalidInputError, code="bad_signature"):
    """An envelope without a valid signature by the given key."""


class BadCheckpointError(InvalidInputError, code="bad_checkpoint"):
    """A checkpoint that cannot be read, or does not fit the ledger's form."""


class UnusableKeyError(InvalidInputError, code="unusable_key"):
    """A file that cannot be used as a key."""
