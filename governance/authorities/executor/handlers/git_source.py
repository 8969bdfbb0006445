"""Where a JSON file of a git repository is, as the options of a route say it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from governance.authorities.executor.handlers.git_branch import (
    MAX_FILE_BYTES,
    BranchTip,
    GitAccess,
    GitBranch,
)
from governance.authorities.executor.handlers.platform_document import Document
from governance.authorities.executor.options import OptionTable
from governance.authorities.executor.secret_files import SecretFiles
from governance.authorities.executor.steps import StepRefused
from governance.domain.errors import InvalidInputError, UnusableSecretError
from governance.domain.strict_json import load_strict_json


@dataclass(frozen=True, slots=True)
class GitSource:
    """A file on a branch of a repository, and the reference of the credentials that open it."""

    location: str
    branch: str
    file: str
    credentials: str
    secrets: SecretFiles

    def open(self, *, seconds: float) -> GitBranch:
        """Return the branch; one request to it may take `seconds`.

        Raises:
            UnusableSecretError: the credentials cannot be read.
        """
        access = access_to(self.location, self.credentials, self.secrets)
        return GitBranch(access, branch=self.branch, file=self.file, seconds=seconds)

    def document_of(self, tip: BranchTip) -> Document:
        """Return the document in the file; an absent file is an empty one.

        Raises:
            StepRefused: the file is not a JSON object of objects.
        """
        if tip.content is None:
            return {}
        try:
            document = load_strict_json(tip.content, largest=MAX_FILE_BYTES)
        except InvalidInputError as error:
            raise StepRefused(f"{self.file} cannot be read. {error}") from None
        if not isinstance(document, dict) or not all(
            isinstance(one, dict) for one in document.values()
        ):
            raise StepRefused(f"{self.file} is not of the form {{scope: {{key: value}}}}.")
        return document


def read_git_source(options: OptionTable, secrets: SecretFiles) -> GitSource:
    """Read the options `repository`, `branch`, `file` and `credentials`.

    Raises:
        InvalidRoutesError: with the path of the option that is wrong.
        UnusableSecretError: the credentials cannot be read.
    """
    location = _require_repository(options)
    branch = options.text("branch", default="main")
    if not _is_path(branch) or any(character in branch for character in " ~^:?*[\\"):
        raise options.error("branch", "must be the name of a branch")
    file = options.text("file")
    if not _is_path(file) or any(part.lower() == ".git" for part in file.split("/")):
        raise options.error("file", "must be a path in the repository, without . and ..")
    credentials = options.text("credentials", default="")
    if credentials and "://" not in location:
        raise options.error("credentials", "must not be given for a folder of this machine")
    if credentials:
        access_to(location, credentials, secrets)
    return GitSource(location, branch, file, credentials, secrets)


def access_to(location: str, credentials: str, secrets: SecretFiles) -> GitAccess:
    """Return the access to a repository: for https `user:password`, for ssh a private key.

    Raises:
        UnusableSecretError: the credentials cannot be read, or are not `user:password`.
    """
    if not credentials:
        return GitAccess(location)
    if location.startswith("ssh://"):
        return GitAccess(location, key_file=str(secrets.path_of(credentials)))
    username, separator, password = secrets.read(credentials).partition(":")
    if not (username and separator and password):
        raise UnusableSecretError.at(credentials, "must have the form user:password")
    # The password may stand alone in an error.
    secrets.used[password] = credentials
    return GitAccess(location, username=username, password=password)


def _require_repository(options: OptionTable) -> str:
    """Return the place of a repository, or refuse it."""
    location = options.text("repository")
    if os.path.isabs(location):
        if not os.path.isdir(location) or os.path.exists(os.path.join(location, ".git")):
            raise options.error("repository", "must be the folder of a bare repository")
        return location
    try:
        parts = urlsplit(location)
        host, _ = parts.hostname or "-", parts.port
    except ValueError:
        host, parts = "-", urlsplit("")
    # ssh would read a host that begins with - as an option.
    if (
        host.startswith("-")
        or len(parts.path) < 2
        or parts.query
        or parts.fragment
        or parts.scheme not in ("https", "ssh")
    ):
        raise options.error(
            "repository",
            "must be the folder of a bare repository, or begin with https:// or ssh://",
        )
    if parts.password is not None or (parts.username is not None and parts.scheme == "https"):
        raise options.error("repository", "must not have a user or a password; use credentials")
    return location


def _is_path(text: str) -> bool:
    """Return whether a text is a relative path in which every part is a plain name."""
    return "\\" not in text and all(
        part not in ("", ".", "..") and part.isprintable() for part in text.split("/")
    )
