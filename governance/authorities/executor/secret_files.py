"""The secrets of this machine: a file for each, which `secret://NAME` in a step refers to."""

from __future__ import annotations

import json
import os
import re
import stat
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from governance.domain.errors import UnusableSecretError

MAX_SECRET_BYTES = 64 * 1024
_PREFIX = "secret://"
_REFERENCE = re.compile(r"secret://([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})")


def secret_name(reference: str) -> str | None:
    """Return the name in `secret://NAME`, or None if a text is no such reference."""
    found = _REFERENCE.fullmatch(reference)
    return found[1] if found else None


class SecretFiles:
    """The folder of secrets: the file NAME has the secret that `secret://NAME` refers to.

    Only the owner of a file may have rights to it (mode 0600 or 0400). `used` has what `read`
    returned, by secret: the secrets of a route's own options.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self.used: dict[str, str] = {}

    def unused(self) -> SecretFiles:
        """Return the same files for another route."""
        return SecretFiles(self._folder)

    def read(self, reference: str) -> str:
        """Return a secret of a route's options, and remember it to be hidden.

        Raises:
            UnusableSecretError: it is no reference, or its file cannot be used.
        """
        secret = self.content(reference)
        self.used[secret] = reference
        return secret

    def path_of(self, reference: str) -> Path:
        """Return the path of a secret's file, for a program that reads it, such as ssh.

        Raises:
            UnusableSecretError: it is no reference, or its file cannot be used.
        """
        self.content(reference)
        return (self._folder or Path()) / (secret_name(reference) or "")

    def content(self, reference: str) -> str:
        """Return a secret, without the line break at its end.

        Raises:
            UnusableSecretError: it is no reference, or its file cannot be used.
        """
        name = secret_name(reference)
        if name is None:
            raise UnusableSecretError.at(reference, "is not a reference secret://NAME")
        if self._folder is None:
            raise UnusableSecretError.at(reference, "needs GOVSITE_SECRETS_DIR, which is not set")
        try:
            with open(self._folder / name, "rb", opener=_open_at_once) as file:
                status = os.fstat(file.fileno())
                _require_private(reference, status)
                content = file.read(MAX_SECRET_BYTES + 1)
        except OSError as error:
            raise UnusableSecretError.at(
                reference, f"cannot be read: {error.strerror or type(error).__name__}"
            ) from None
        if len(content) > MAX_SECRET_BYTES:
            raise UnusableSecretError.at(reference, "is larger than 64 KiB")
        try:
            text = content.decode().removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError:
            raise UnusableSecretError.at(reference, "is not UTF-8") from None
        if not text:
            raise UnusableSecretError.at(reference, "is empty")
        return text


class StepSecrets:
    """The secrets of one step: resolves its references, and hides their values in what it reports.

    The secrets of the route's own options are hidden too.
    """

    def __init__(self, files: SecretFiles) -> None:
        self._files = files
        self._values: dict[str, str] = {}

    def resolve(self, value: Any) -> Any:
        """Return a JSON value whose references are replaced by their secrets.

        Raises:
            UnusableSecretError: a secret cannot be used.
        """
        if isinstance(value, str):
            return self._read(value) if value.startswith(_PREFIX) else value
        if isinstance(value, Mapping):
            return {key: self.resolve(child) for key, child in value.items()}
        if isinstance(value, list | tuple):
            return [self.resolve(child) for child in value]
        return value

    def hide(self, value: Any) -> Any:
        """Return a JSON value in whose texts each secret is replaced by its reference."""
        if isinstance(value, str):
            references = self._files.used | self._values
            for secret in sorted(references, key=len, reverse=True):
                for form in _forms_of(secret):
                    value = value.replace(form, references[secret])
            return value
        if isinstance(value, Mapping):
            return {self.hide(str(key)): self.hide(child) for key, child in value.items()}
        if isinstance(value, list | tuple):
            return [self.hide(child) for child in value]
        return value

    def _read(self, reference: str) -> str:
        secret = self._files.content(reference)
        self._values[secret] = reference
        return secret


def _open_at_once(path: str, flags: int) -> int:
    # A named pipe must not make the caller wait for a writer.
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)


def _require_private(reference: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise UnusableSecretError.at(reference, "is not a file")
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise UnusableSecretError.at(
            reference, "is open to other accounts than its owner; its file needs mode 0600"
        )
    if status.st_uid not in (os.geteuid(), 0):
        raise UnusableSecretError.at(reference, "belongs to another account")


def _forms_of(secret: str) -> tuple[str, ...]:
    """Return a secret as it is, in JSON, in an address and in base64, the longest first."""
    forms = {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        quote(secret, safe=""),
        b64encode(secret.encode()).decode(),
    }
    return tuple(sorted(forms, key=len, reverse=True))
