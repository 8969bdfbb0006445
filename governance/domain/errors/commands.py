"""Errors of management commands: their files, their database and the site that they start."""

from __future__ import annotations

from governance.domain.errors.base import Advice, InvalidInputError, StaleCopyError, WrongStateError


# --- files ---
class UnreadableFileError(InvalidInputError, code="unreadable_file"):
    """A file that cannot be read."""


class UnwritableFileError(InvalidInputError, code="unwritable_file"):
    """A file that cannot be written."""


class FileExistsAlreadyError(InvalidInputError, code="file_exists"):
    """A file that exists already; `--force` overwrites it."""


class InvalidRoutesError(InvalidInputError, code="invalid_routes"):
    """A routes file that other accounts may write, or that has an invalid field."""


class InvalidHealthRulesError(InvalidInputError, code="invalid_health_rules"):
    """A file of health rules that other accounts may write, or that has an invalid field."""


class UnusableSecretError(InvalidInputError, code="unusable_secret"):
    """A secret whose file is missing, is open to other accounts, or is no text."""


class NoTokenError(InvalidInputError, code="no_token"):
    """A file or a variable that has no API token."""


# --- the database and the site ---
class EarlierVersionError(WrongStateError, code="earlier_version"):
    """A database that was made by version 0.1."""


class NotEmptyError(WrongStateError, code="not_empty"):
    """A database that already has users or contracts."""


class CannotServeError(WrongStateError, code="cannot_serve"):
    """A site that did not start, or ended by itself."""


# --- sweeps ---
class TooManyEndingsError(WrongStateError, code="too_many_endings", advice=Advice.WAIT):
    """A sweep that would end more than a tenth of what is open, and more than 20; `details.count`
    says how many.
    """


class EndingsChangedError(StaleCopyError, code="endings_changed"):
    """A sweep that would end another number than a person typed; `details.count` is the number."""
