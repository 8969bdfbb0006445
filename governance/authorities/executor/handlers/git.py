"""The handler `git`: one commit that changes one JSON file on a branch of a repository.

The file is {scope: {key: value}}. A step is refused if the file has other values than the plan was
made with. If the branch moves while the step runs, the step is applied to the new tip, provided
that its values there are still the same; nobody's commit is lost. Secrets stay references in the
file, because a repository keeps what was once in it.
"""

from __future__ import annotations

import json
import os
import random
from typing import Any
from urllib.parse import urlsplit

from governance.authorities.executor.handlers.git_branch import (
    MAX_FILE_BYTES,
    BranchTip,
    GitAccess,
    GitBranch,
)
from governance.authorities.executor.handlers.platform_document import (
    Document,
    Values,
    are_equal,
    expected_values,
    present_values,
    shown_values,
    values_of,
    with_values,
)
from governance.authorities.executor.options import OptionTable
from governance.authorities.executor.secret_files import SecretFiles
from governance.authorities.executor.steps import (
    HandlerFault,
    Step,
    StepHandler,
    StepOutcome,
    StepRefused,
)
from governance.domain.canonical import load_strict_json
from governance.domain.changes import CHANGE_TYPES
from governance.domain.errors import InvalidInputError, UnusableSecretError

MAX_ATTEMPTS = 50
MAX_PAUSE_SECONDS = 0.2


class GitHandler:
    """A handler that commits each step to a file on a branch."""

    step_types = CHANGE_TYPES
    resolves_secrets = False

    def __init__(
        self,
        *,
        location: str,
        branch: str,
        file: str,
        credentials: str,
        secrets: SecretFiles,
    ) -> None:
        self._location = location
        self._branch = branch
        self._file = file
        self._credentials = credentials
        self._secrets = secrets

    def run_step(self, step: Step) -> StepOutcome:
        """Commit the step, on the newest tip of the branch.

        Raises:
            StepRefused: the file has other values than the plan was made with, or cannot be used.
            HandlerFault: the branch moved too often, or the time is over.
            Exception: the repository cannot be read or written.
        """
        access = access_to(self._location, self._credentials, self._secrets)
        branch = GitBranch(
            access, branch=self._branch, file=self._file, seconds=step.seconds_left()
        )
        wanted = values_of(step.change)
        before = expected_values(step)
        for _ in range(MAX_ATTEMPTS):
            tip = branch.read()
            document = _document(tip, self._file)
            found = present_values(document, step.target, wanted)
            before = found if before is None else before
            if not are_equal(found, before):
                raise StepRefused(_conflict(step, found, before))
            if are_equal(found, wanted):
                return _outcome(step, found, wanted, "nothing to commit: the file has this value")
            content = _serialized(with_values(document, step.target, wanted))
            _require_time(step)
            if commit := branch.push(tip, content, _message(step, wanted)):
                return _outcome(step, found, wanted, f"committed {commit} on {self._branch}")
            step.timed_out.wait(random.uniform(0, MAX_PAUSE_SECONDS))  # noqa: S311
            _require_time(step)
        raise HandlerFault(f"The branch moved {MAX_ATTEMPTS} times; nothing was committed.")


def make_git_handler(options: OptionTable, secrets: SecretFiles) -> StepHandler:
    """Make the handler from the options `repository`, `branch`, `file` and `credentials`.

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
    return GitHandler(
        location=location, branch=branch, file=file, credentials=credentials, secrets=secrets
    )


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


def _document(tip: BranchTip, file: str) -> Document:
    """Return the document in the file; an absent file is an empty one.

    Raises:
        StepRefused: the file is not a JSON object of objects.
    """
    if tip.content is None:
        return {}
    try:
        document = load_strict_json(tip.content, largest=MAX_FILE_BYTES)
    except InvalidInputError as error:
        raise StepRefused(f"{file} cannot be read. {error}") from None
    if not isinstance(document, dict) or not all(
        isinstance(one, dict) for one in document.values()
    ):
        raise StepRefused(f"{file} is not of the form {{scope: {{key: value}}}}.")
    return document


def _serialized(document: Document) -> bytes:
    return (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()


def _require_time(step: Step) -> None:
    """Refuse to commit for a step that counts as failed already."""
    if step.timed_out.is_set() or step.seconds_left() <= 0:
        raise HandlerFault("The time of the step is over; nothing was committed.")


def _conflict(step: Step, found: Values, before: Values) -> str:
    return (
        f"Conflict: the file has {shown_values(found)} in {step.target}, but the step was planned "
        f"with {shown_values(before)}. Nothing was committed."
    )


def _message(step: Step, wanted: Values) -> str:
    return (
        f"Set {shown_values(wanted)} in {step.target}\n\n"
        f"Contract: {step.contract_id}\nJob: {step.job_id}\nStep: {step.step_index + 1}\n"
    )


def _outcome(step: Step, before: Values, after: dict[str, Any], did: str) -> StepOutcome:
    return StepOutcome(
        did=did,
        state_before=dict(before),
        state_after=after,
        rollback_action=step.rollback_action,
    )
