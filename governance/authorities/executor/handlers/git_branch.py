"""One file on one branch of a git repository: read it, and commit a new content if nobody else has.

A branch is set by compare-and-swap: the commit becomes its tip only if the tip is still the one
that was read. So no commit of anybody is ever lost. The repository is a bare one on this machine,
or is reached by https or ssh. No working copy is made.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import urllib3
from dulwich.client import GitClient, LocalGitClient, get_transport_and_path_from_url
from dulwich.file import FileLocked
from dulwich.object_store import BaseObjectStore
from dulwich.objects import Blob, Commit, ObjectID, ShaFile, Tree
from dulwich.pack import pack_objects_to_data
from dulwich.refs import Ref
from dulwich.repo import MemoryRepo

from governance.authorities.executor.steps import HandlerFault, StepRefused

FILE_MODE, EXECUTABLE_MODE, FOLDER_MODE = 0o100644, 0o100755, 0o040000
MAX_FILE_BYTES = 16 * 1024 * 1024
AUTHOR = b"govsite <govsite@localhost>"
# Nobody is asked for anything at a terminal, and a connection without an answer ends by itself.
SSH_COMMAND = (
    "ssh -o BatchMode=yes -o ConnectTimeout=20 -o ServerAliveInterval=10 -o ServerAliveCountMax=3"
)


@dataclass(frozen=True, slots=True)
class GitAccess:
    """Where a repository is, and what opens it: a user and a password, or a file with a key."""

    location: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    key_file: str | None = None

    @property
    def is_local(self) -> bool:
        return "://" not in self.location


@dataclass(frozen=True, slots=True)
class BranchTip:
    """The tip of a branch, and the file there, whose content is None if it is absent.

    `folders` are the folders on the way to the file, from the root.
    """

    commit_id: ObjectID
    content: bytes | None
    folders: Sequence[Tree]
    mode: int


class GitBranch:
    """A file on a branch, read and written without a working copy."""

    def __init__(self, access: GitAccess, *, branch: str, file: str, seconds: float) -> None:
        """Prepare the access; nothing is read yet.

        Args:
            seconds: how long one request to a remote repository may take.
        """
        self._branch = branch
        self._ref = Ref(b"refs/heads/" + branch.encode())
        self._parts = file.encode().split(b"/")
        self._file = file
        self._client, self._path = _client(access, seconds)

    def read(self) -> BranchTip:
        """Read the tip of the branch, and the file there.

        Raises:
            StepRefused: there is no such branch, or something on the way to the file is a link.
            Exception: the repository cannot be read.
        """
        repository = MemoryRepo()
        tips: list[ObjectID] = []

        def wanted(refs: Any, depth: int | None = None) -> list[ObjectID]:
            tips[:] = [refs[self._ref]] if self._ref in refs else []
            return tips

        # The references that the call returns may be newer than the commit that it fetched.
        self._client.fetch(self._path, repository, determine_wants=wanted, depth=1)
        if not tips:
            raise StepRefused(f"The repository has no branch {self._branch}.")
        return self._tip_of(repository.object_store, tips[0])

    def push(self, tip: BranchTip, content: bytes, message: str) -> str | None:
        """Commit a new content on top of `tip`, unless the branch has moved.

        Returns:
            The id of the commit; None if the branch has moved, and nothing was changed.

        Raises:
            HandlerFault: the repository refused the commit for another reason.
        """
        objects = self._commit(tip, content, message)
        commit_id = objects[0].id

        def update(refs: dict[Ref, ObjectID]) -> dict[Ref, ObjectID]:
            if refs.get(self._ref) != tip.commit_id:
                raise _MovedError
            return {self._ref: commit_id}

        def pack(*_: Any, **__: Any) -> tuple[int, Any]:
            return pack_objects_to_data(objects)

        try:
            result = self._client.send_pack(self._path.encode(), update, pack)
        except (_MovedError, FileLocked):  # a lock is held while somebody else sets the branch
            return None
        if refusal := (result.ref_status or {}).get(self._ref):
            if self.read().commit_id != tip.commit_id:
                return None
            raise HandlerFault(f"The repository refused the commit: {refusal}")
        return commit_id.decode()

    def _tip_of(self, store: BaseObjectStore, commit_id: ObjectID) -> BranchTip:
        commit = store[commit_id]
        if not isinstance(commit, Commit):
            raise HandlerFault(f"The branch {self._branch} does not point to a commit.")
        folder = _tree(store[commit.tree])
        folders = [folder]
        for name in self._parts[:-1]:
            mode, child = _entry(folder, name) or (FOLDER_MODE, None)
            if mode != FOLDER_MODE:
                raise StepRefused(f"{name.decode()}, on the way to {self._file}, is no folder.")
            folder = _tree(store[child]) if child else Tree()
            folders.append(folder)
        name = self._parts[-1]
        mode, blob_id = _entry(folder, name) or (FILE_MODE, None)
        if mode not in (FILE_MODE, EXECUTABLE_MODE):
            raise StepRefused(f"{self._file} is no file, but a link or a folder.")
        blob = store[blob_id] if blob_id else None
        content = blob.data if isinstance(blob, Blob) else None
        if content is not None and len(content) > MAX_FILE_BYTES:
            raise StepRefused(f"{self._file} is larger than 16 MiB.")
        return BranchTip(commit_id, content, folders, mode)

    def _commit(self, tip: BranchTip, content: bytes, message: str) -> list[ShaFile]:
        """Return the new objects, the commit first: it changes the one file and nothing else."""
        blob = Blob.from_string(content)
        new: list[ShaFile] = [blob]
        mode, child = tip.mode, blob.id
        for folder, name in zip(reversed(tip.folders), reversed(self._parts), strict=True):
            changed = Tree.from_string(folder.as_raw_string())
            changed[name] = (mode, child)
            new.insert(0, changed)
            mode, child = FOLDER_MODE, changed.id
        commit = Commit()
        commit.tree = child
        commit.parents = [tip.commit_id]
        commit.author = commit.committer = AUTHOR
        commit.author_time = commit.commit_time = int(time.time())
        commit.author_timezone = commit.commit_timezone = 0
        commit.encoding = b"UTF-8"
        commit.message = message.encode()
        return [commit, *new]


class _MovedError(Exception):
    """The branch is at another commit than the one that was read."""


def _entry(folder: Tree, name: bytes) -> tuple[int, ObjectID] | None:
    try:
        return folder[name]
    except KeyError:
        return None


def _tree(found: ShaFile) -> Tree:
    if not isinstance(found, Tree):
        raise HandlerFault("The repository has something else where a folder should be.")
    return found


def _client(access: GitAccess, seconds: float) -> tuple[GitClient, str]:
    """Return the client of a repository, and the repository's path there."""
    if access.is_local:
        return LocalGitClient(), access.location
    if access.location.startswith("ssh://"):
        return get_transport_and_path_from_url(
            access.location, key_filename=access.key_file, ssh_command=SSH_COMMAND
        )
    # Without retries, urllib3 follows no redirect either.
    pool = urllib3.PoolManager(timeout=urllib3.Timeout(total=max(0.1, seconds)), retries=False)
    return get_transport_and_path_from_url(
        access.location, username=access.username, password=access.password, pool_manager=pool
    )
