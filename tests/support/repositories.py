"""A bare git repository for tests, a person who pushes to it, and a server that serves it."""

from __future__ import annotations

import json
import subprocess
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from dulwich.repo import Repo
from dulwich.server import DictBackend
from dulwich.web import make_wsgi_chain

PERSON = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")
FILE = "platform/settings.json"


def git(*arguments: str, folder: Path) -> str:
    """Run git in a folder, and return what it prints."""
    ran = subprocess.run(
        ["git", *PERSON, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    if ran.returncode:
        raise RuntimeError(f"git {' '.join(arguments)}: {ran.stderr}")
    return ran.stdout


@dataclass(frozen=True)
class BareRepository:
    """A bare repository with one branch, `main`, and a clone of it in which a person works."""

    path: Path
    clone: Path

    def document(self, file: str = FILE) -> Any:
        return json.loads(git("show", f"main:{file}", folder=self.path))

    def commits(self) -> list[str]:
        """Return the subjects of all commits, the last one first."""
        return git("log", "--format=%s", "main", folder=self.path).splitlines()

    def person_writes(self, content: str, file: str = FILE, *, message: str = "by hand") -> None:
        """Commit a file as a person, and push it; the push may fail if the branch has moved."""
        path = self.clone / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        git("add", ".", folder=self.clone)
        git("commit", "-q", "-m", message, folder=self.clone)
        git("push", "-q", "origin", "HEAD:main", folder=self.clone)

    def person_sets(self, scope: str, key: str, value: Any, *, attempts: int = 20) -> None:
        """Set one value as a person does, from the newest tip, again until the push succeeds."""
        for attempt in range(attempts):
            git("fetch", "-q", "origin", folder=self.clone)
            git("reset", "-q", "--hard", "origin/main", folder=self.clone)
            document = json.loads((self.clone / FILE).read_text())
            document.setdefault(scope, {})[key] = value
            try:
                self.person_writes(json.dumps(document, indent=2), message=f"{key} by hand")
            except RuntimeError:
                if attempt == attempts - 1:
                    raise
            else:
                return


def bare_repository(folder: Path, document: Any = None) -> BareRepository:
    """Make a repository whose file has this document; without one, it has another file only."""
    repository = BareRepository(folder / "repository.git", folder / "clone")
    git("init", "-q", "--bare", "-b", "main", str(repository.path), folder=folder)
    git("clone", "-q", str(repository.path), str(repository.clone), folder=folder)
    repository.person_writes("hello\n", "README", message="begin")
    if document is not None:
        content = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
        repository.person_writes(content, message="settings")
    return repository


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None: ...


@contextmanager
def served_repository(path: Path, password: str) -> Iterator[str]:
    """Serve a repository over HTTP to the user `govsite`, and yield its address."""
    application = make_wsgi_chain(DictBackend({"/repository.git": Repo(str(path))}))
    wanted = "Basic " + b64encode(f"govsite:{password}".encode()).decode()

    def guarded(environ: Any, start_response: Any) -> Any:
        if environ.get("HTTP_AUTHORIZATION") != wanted:
            start_response("401 Unauthorized", [("WWW-Authenticate", 'Basic realm="git"')])
            return [b""]
        return application(environ, start_response)

    with make_server("127.0.0.1", 0, guarded, handler_class=_QuietHandler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/repository.git"
        finally:
            server.shutdown()
            thread.join()
