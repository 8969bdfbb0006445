"""The handler `git`: one commit for a step, no commit of anybody lost, and conflicts in words."""

from __future__ import annotations

import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from governance.authorities.executor.handlers.git import GitHandler, make_git_handler
from governance.authorities.executor.handlers.git_branch import BranchTip, GitBranch
from governance.authorities.executor.handlers.git_source import GitSource
from governance.authorities.executor.handlers.reported import ReportedHandler
from governance.authorities.executor.performing import Performance
from governance.authorities.executor.secret_files import SecretFiles
from governance.authorities.executor.steps import StepHandler
from governance.domain.errors import InvalidRoutesError, UnusableSecretError
from tests.support.repositories import FILE, BareRepository, bare_repository, git, served_repository
from tests.support.steps import UPDATE, handler_from, performed, step_for, write_secret

DOCUMENT = {
    "SEARCH": {"lifecycle": "PREVIEW", "ä": [1, None]},
    "BILLING": {"limit": 20, "currency": "EUR"},
}


@pytest.fixture
def repository(tmp_path: Path) -> BareRepository:
    return bare_repository(tmp_path, DOCUMENT)


def handler_of(bare: BareRepository, **options: Any) -> StepHandler:
    options = {"repository": str(bare.path), "file": FILE} | options
    return handler_from(make_git_handler, **options)


def perform_change(
    repository: BareRepository, change: dict[str, Any], **options: Any
) -> Performance:
    rollback = options.pop("rollback_action", None)
    return performed(handler_of(repository, **options), step_for(change, rollback_action=rollback))


# --- one commit ---
def test_step__committed__changes_one_value_and_nothing_else(repository: BareRepository) -> None:
    report = perform_change(repository, UPDATE).report
    assert report.status == "COMPLETED", report.error
    assert (report.output["state_before"], report.output["state_after"]) == (
        {"limit": 20},
        {"limit": 50},
    )
    diff = git("diff", "--numstat", "main^", "main", folder=repository.path).split()
    assert diff == ["1", "1", FILE]
    expected = DOCUMENT | {"BILLING": {"limit": 50, "currency": "EUR"}}
    assert repository.document() == expected
    assert repository.commits() == ["Set limit = 50 in BILLING", "settings", "begin"]
    tip = git("rev-parse", "main", folder=repository.path).strip()
    assert report.output["did"] == f"committed {tip} on main"
    git("fsck", "--strict", folder=repository.path)


def test_commit__of_a_step__names_its_contract_and_job(repository: BareRepository) -> None:
    perform_change(repository, UPDATE)
    message = git("log", "-1", "--format=%an %ae%n%B", "main", folder=repository.path)
    step = step_for()
    assert message.startswith("govsite govsite@localhost\n")
    assert f"Contract: {step.contract_id}\nJob: {step.job_id}\nStep: 1" in message


@pytest.mark.parametrize(
    ("change", "scope", "values"),
    [
        (
            {
                "type": "capability_enable",
                "capability_name": "SEARCH",
                "target_lifecycle": "LAUNCHED",
            },
            "SEARCH",
            {"lifecycle": "LAUNCHED", "ä": [1, None]},
        ),
        (
            {"type": "capability_disable", "capability_name": "SEARCH", "reason": "unused"},
            "SEARCH",
            {"lifecycle": "DISABLED", "ä": [1, None]},
        ),
        (
            {"type": "parameter_change", "scope": "BILLING", "parameters": {"a": 1, "limit": None}},
            "BILLING",
            {"currency": "EUR", "a": 1},
        ),
        (
            {"type": "parameter_change", "scope": "NEW", "parameters": {"a": {"b": "ü"}}},
            "NEW",
            {"a": {"b": "ü"}},
        ),
        (
            {"type": "parameter_change", "scope": "SEARCH", "parameters": {"ä": None}},
            "SEARCH",
            {"lifecycle": "PREVIEW"},
        ),
    ],
)
def test_change__of_each_type__is_under_its_scope_and_key(
    repository: BareRepository, change: dict[str, Any], scope: str, values: dict[str, Any]
) -> None:
    assert perform_change(repository, change).report.status == "COMPLETED"
    assert repository.document()[scope] == values


def test_lifecycle__absent_from_the_file__is_disabled(repository: BareRepository) -> None:
    change = {
        "type": "capability_enable",
        "capability_name": "NEW",
        "target_lifecycle": "PREVIEW",
    }
    rollback = {"type": "capability_disable", "capability_name": "NEW", "reason": "Return."}
    report = perform_change(repository, change, rollback_action=rollback).report
    assert report.output["state_before"] == {"lifecycle": "DISABLED"}
    assert repository.document()["NEW"] == {"lifecycle": "PREVIEW"}


def test_file__absent__is_made_with_its_folders(tmp_path: Path) -> None:
    repository = bare_repository(tmp_path)
    report = perform_change(repository, UPDATE | {"old_value": None}, file="a/b/c.json").report
    assert report.status == "COMPLETED", report.error
    assert repository.document("a/b/c.json") == {"BILLING": {"limit": 50}}
    git("fsck", "--strict", folder=repository.path)


def test_step__that_changes_nothing__makes_no_commit(repository: BareRepository) -> None:
    report = perform_change(repository, UPDATE | {"new_value": 20}).report
    assert report.output["did"] == "nothing to commit: the file has this value"
    assert len(repository.commits()) == 2


def test_secret__in_a_change__stays_a_reference_in_the_file(
    repository: BareRepository, tmp_path: Path
) -> None:
    write_secret(tmp_path, "db", "s3cret")
    change = UPDATE | {"key": "password", "old_value": None, "new_value": "secret://db"}
    assert perform_change(repository, change, secrets=tmp_path).report.status == "COMPLETED"
    assert repository.document()["BILLING"]["password"] == "secret://db"


# --- conflicts ---
@pytest.mark.parametrize("value", [35, True, "20", None])
def test_value__changed_by_somebody_else_since_the_plan__is_a_conflict_in_words(
    repository: BareRepository, value: Any
) -> None:
    repository.person_sets("BILLING", "limit", value)
    performance = perform_change(repository, UPDATE)
    shown = json.dumps(value)
    assert performance.report.error == (
        f"Conflict: the file has limit = {shown} in BILLING, but the step was planned with "
        "limit = 20. Nothing was committed."
    )
    assert not performance.is_fault
    assert repository.commits()[0] == "limit by hand"


def test_plan__with_a_rollback__expects_the_values_that_it_would_restore(
    repository: BareRepository,
) -> None:
    change = {"type": "parameter_change", "scope": "BILLING", "parameters": {"limit": 50}}
    rollback = change | {"parameters": {"limit": 30}}
    report = perform_change(repository, change, rollback_action=rollback).report
    assert "planned with limit = 30" in report.error
    rollback = change | {"parameters": {"limit": 20}}
    report = perform_change(repository, change, rollback_action=rollback).report
    assert report.output["rollback_action"] == rollback


class PersonFirst(GitBranch):
    """A branch to which a person pushes after each of the first readings."""

    repository: BareRepository
    pushes: list[tuple[str, int]]

    def read(self) -> BranchTip:
        tip = super().read()
        if self.pushes:
            key, value = self.pushes.pop()
            self.repository.person_sets("BILLING", key, value)
        return tip


@pytest.fixture
def person_first(repository: BareRepository, monkeypatch: pytest.MonkeyPatch) -> type[PersonFirst]:
    PersonFirst.repository = repository
    PersonFirst.pushes = []
    module = "governance.authorities.executor.handlers.git_source"
    monkeypatch.setattr(f"{module}.GitBranch", PersonFirst)
    return PersonFirst


def test_branch__moved_elsewhere_meanwhile__the_step_is_applied_to_the_new_tip(
    repository: BareRepository, person_first: type[PersonFirst]
) -> None:
    person_first.pushes = [("currency", 2), ("rate", 1)]
    report = perform_change(repository, UPDATE).report
    assert report.status == "COMPLETED", report.error
    assert repository.document()["BILLING"] == {"limit": 50, "currency": 2, "rate": 1}
    assert repository.commits()[:3] == [
        "Set limit = 50 in BILLING",
        "currency by hand",
        "rate by hand",
    ]


def test_branch__moved_at_the_same_value_meanwhile__is_a_conflict(
    repository: BareRepository, person_first: type[PersonFirst]
) -> None:
    person_first.pushes = [("limit", 33)]
    change = {"type": "parameter_change", "scope": "BILLING", "parameters": {"limit": 50}}
    report = perform_change(repository, change).report
    assert "the file has limit = 33 in BILLING" in report.error
    assert repository.document()["BILLING"]["limit"] == 33


def test_step__whose_time_is_over__commits_nothing(
    repository: BareRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = step_for()
    read = GitBranch.read

    def read_late(branch: GitBranch) -> BranchTip:
        step.timed_out.set()
        return read(branch)

    monkeypatch.setattr(GitBranch, "read", read_late)
    performance = performed(handler_of(repository), step)
    assert "The time of the step is over; nothing was committed." in performance.report.error
    assert len(repository.commits()) == 2


def test_workers_and_a_person__pushing_to_one_branch__lose_no_commit(
    repository: BareRepository,
) -> None:
    """Two workers make six steps each while a person pushes six times; all eighteen stay."""
    begun = threading.Barrier(3)

    def work(worker: int) -> list[Performance]:
        handler = handler_of(repository)
        begun.wait()
        return [
            performed(
                handler,
                step_for(UPDATE | {"key": f"w{worker}-{n}", "old_value": None, "new_value": n}),
            )
            for n in range(6)
        ]

    def person() -> list[Performance]:
        begun.wait()
        for n in range(6):
            repository.person_sets("BY_HAND", f"p{n}", n)
        return []

    with ThreadPoolExecutor(3) as pool:
        ended = [pool.submit(work, 1), pool.submit(work, 2), pool.submit(person)]
        performances = [one for future in ended for one in future.result()]
    assert [one.report.error for one in performances] == [""] * 12
    keys = {f"w{worker}-{n}" for worker in (1, 2) for n in range(6)}
    document = repository.document()
    assert set(document["BILLING"]) == keys | {"limit", "currency"}
    assert set(document["BY_HAND"]) == {f"p{n}" for n in range(6)}
    assert len(repository.commits()) == 2 + 18
    git("fsck", "--strict", folder=repository.path)


def test_lock__of_somebody_who_sets_the_branch__is_waited_for(repository: BareRepository) -> None:
    lock = repository.path / "refs/heads/main.lock"
    lock.touch()
    threading.Timer(0.5, lock.unlink).start()
    assert perform_change(repository, UPDATE).report.status == "COMPLETED"


# --- what is refused ---
@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "This is not JSON"),
        ("[]", "is not of the form {scope: {key: value}}"),
        ('{"A": 1}', "is not of the form"),
        ('{"A": {"x": 1, "x": 2}}', "cannot be read"),
    ],
)
def test_file__of_another_form__is_refused_in_words(
    repository: BareRepository, content: str, words: str
) -> None:
    repository.person_writes(content)
    performance = perform_change(repository, UPDATE)
    assert words in performance.report.error
    assert not performance.is_fault


def test_link__where_the_file_or_a_folder_is_expected__is_refused(
    repository: BareRepository,
) -> None:
    (repository.clone / "link.json").symlink_to(FILE)
    (repository.clone / "folder").symlink_to("platform")
    git("add", ".", folder=repository.clone)
    git("commit", "-q", "-m", "links", folder=repository.clone)
    git("push", "-q", "origin", "HEAD:main", folder=repository.clone)
    for file, words in (
        ("link.json", "no file, but a link or a folder"),
        ("folder/settings.json", "is no folder"),
        ("platform", "no file, but a link or a folder"),
        ("README/x.json", "is no folder"),
    ):
        assert words in perform_change(repository, UPDATE, file=file).report.error
    assert repository.commits()[0] == "links"


def test_branch__absent__is_refused_in_words(repository: BareRepository) -> None:
    report = perform_change(repository, UPDATE, branch="release").report
    assert report.error == "The repository has no branch release."


def test_key__with_the_name_of_the_lifecycle__is_refused(repository: BareRepository) -> None:
    report = perform_change(repository, UPDATE | {"key": "lifecycle"}).report
    assert "holds the lifecycle" in report.error


def test_repository__gone_since_the_worker_started__is_a_fault(
    repository: BareRepository, tmp_path: Path
) -> None:
    handler = handler_of(repository)
    repository.path.rename(tmp_path / "elsewhere")
    assert performed(handler, step_for()).is_fault


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"repository": "/absent"}, "repository"),
        ({"repository": "relative/path"}, "repository"),
        ({"repository": "http://git.example/r.git"}, "repository"),
        ({"repository": "git://git.example/r.git"}, "repository"),
        ({"repository": "file:///tmp"}, "repository"),
        ({"repository": "https://user:word@git.example/r.git"}, "repository"),
        ({"repository": "https://token@git.example/r.git"}, "repository"),
        ({"repository": "ssh://git:word@git.example/r.git"}, "repository"),
        ({"repository": "ssh://-oProxyCommand=id/r.git"}, "repository"),
        ({"repository": "https://git.example:x/r.git"}, "repository"),
        ({"repository": "https://git.example/r.git?token=x"}, "repository"),
        ({"repository": "git@git.example:r.git"}, "repository"),
        ({"file": "../settings.json"}, "file"),
        ({"file": "a/../b.json"}, "file"),
        ({"file": "a/./b.json"}, "file"),
        ({"file": "/etc/settings.json"}, "file"),
        ({"file": "a//b.json"}, "file"),
        ({"file": "a\\b.json"}, "file"),
        ({"file": ".git/config"}, "file"),
        ({"file": "a/.GIT/hooks/x"}, "file"),
        ({"branch": "a..b/../c"}, "branch"),
        ({"branch": "a b"}, "branch"),
        ({"credentials": "secret://git"}, "credentials"),
        ({"depth": 1}, "depth"),
    ],
)
def test_options__wrong__are_refused_with_their_path(
    repository: BareRepository, options: dict[str, Any], path: str
) -> None:
    with pytest.raises(InvalidRoutesError) as refused:
        handler_of(repository, **options)
    assert refused.value.errors[0]["path"] == f"route[0].options.{path}"


def test_repository__with_a_working_copy__is_refused(repository: BareRepository) -> None:
    with pytest.raises(InvalidRoutesError, match="bare repository"):
        handler_of(repository, repository=str(repository.clone))


# --- over HTTP ---
def remote_handler(address: str, secrets: Path) -> StepHandler:
    """Return a handler as the factory makes it for https, which a test cannot serve."""
    files = SecretFiles(secrets)
    source = GitSource(
        location=address, branch="main", file=FILE, credentials="secret://git", secrets=files
    )
    return ReportedHandler(GitHandler(source), files)


def test_remote_repository__gets_the_commit_by_its_credentials(
    repository: BareRepository, tmp_path: Path
) -> None:
    write_secret(tmp_path, "git", "govsite:pass word")
    with served_repository(repository.path, "pass word") as address:
        handler = remote_handler(address, tmp_path)
        report = performed(handler, step_for()).report
        assert report.status == "COMPLETED", report.error
        again = performed(handler, step_for(UPDATE | {"old_value": 50, "new_value": 60})).report
        assert again.status == "COMPLETED", again.error
        stale = performed(handler, step_for()).report
    assert "Conflict: the file has limit = 60" in stale.error
    assert repository.document()["BILLING"]["limit"] == 60
    git("fsck", "--strict", folder=repository.path)


def test_remote_repository__moved_meanwhile__gets_the_step_on_its_new_tip(
    repository: BareRepository, tmp_path: Path, person_first: type[PersonFirst]
) -> None:
    write_secret(tmp_path, "git", "govsite:pass word")
    person_first.pushes = [("rate", 1)]
    with served_repository(repository.path, "pass word") as address:
        report = performed(remote_handler(address, tmp_path), step_for()).report
    assert report.status == "COMPLETED", report.error
    assert repository.document()["BILLING"]["rate"] == 1
    assert repository.commits()[:2] == ["Set limit = 50 in BILLING", "rate by hand"]


def test_remote_repository__refuses_the_password__is_a_fault_without_it(
    repository: BareRepository, tmp_path: Path
) -> None:
    write_secret(tmp_path, "git", "govsite:wrong-password")
    with served_repository(repository.path, "right") as address:
        performance = performed(remote_handler(address, tmp_path), step_for())
    assert performance.is_fault
    assert "wrong-password" not in performance.report.error


@pytest.mark.parametrize("mode", [0o640, 0o644])
def test_credentials__open_to_others__are_refused_when_the_worker_starts(
    tmp_path: Path, mode: int
) -> None:
    write_secret(tmp_path, "git", "govsite:password", mode)
    options = {"repository": "https://git.example/r.git", "file": FILE}
    with pytest.raises(UnusableSecretError, match="needs mode 0600"):
        handler_from(make_git_handler, tmp_path, **options, credentials="secret://git")


def test_credentials__of_another_form__are_refused(tmp_path: Path) -> None:
    write_secret(tmp_path, "git", "only-a-token")
    options = {"repository": "https://git.example/r.git", "file": FILE}
    with pytest.raises(UnusableSecretError, match="form user:password") as refused:
        handler_from(make_git_handler, tmp_path, **options, credentials="secret://git")
    assert "only-a-token" not in str(refused.value)


def test_key__of_ssh__is_used_from_its_file(tmp_path: Path) -> None:
    write_secret(tmp_path, "key", "a private key")
    options = {"repository": "ssh://git@git.example/r.git", "file": FILE}
    handler_from(make_git_handler, tmp_path, **options, credentials="secret://key")
    assert SecretFiles(tmp_path).path_of("secret://key") == tmp_path / "key"


# --- over ssh ---
@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program `ssh` that runs the command on this machine, and writes down its arguments."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "ssh"
    program.write_text(
        "#!/bin/sh\n"
        f'printf "%s\\n" "$*" >> {tmp_path}/ssh.log\n'
        'for command; do :; done\nexec sh -c "$command"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return tmp_path / "ssh.log"


def ssh_handler(repository: BareRepository, secrets: Path) -> StepHandler:
    write_secret(secrets, "key", "a private key")
    return handler_from(
        make_git_handler,
        secrets,
        repository=f"ssh://git@git.example{repository.path}",
        file=FILE,
        credentials="secret://key",
    )


def test_repository_over_ssh__gets_the_commit_by_its_key(
    repository: BareRepository, tmp_path: Path, ssh: Path, person_first: type[PersonFirst]
) -> None:
    """The other side is git itself."""
    person_first.pushes = [("rate", 1)]
    report = performed(ssh_handler(repository, tmp_path), step_for()).report
    assert report.status == "COMPLETED", report.error
    assert repository.document()["BILLING"] == {"limit": 50, "currency": "EUR", "rate": 1}
    assert repository.commits()[:2] == ["Set limit = 50 in BILLING", "rate by hand"]
    calls = ssh.read_text()
    assert "-o BatchMode=yes" in calls
    assert f"-i {tmp_path}/key" in calls
    git("fsck", "--strict", folder=repository.path)


def test_branch__moved_while_the_commit_is_on_its_way__loses_no_commit(
    repository: BareRepository, tmp_path: Path, ssh: Path
) -> None:
    """A hook of the repository moves the branch after git has announced its tip to the handler."""
    hook = repository.path / "hooks/pre-receive"
    hook.write_text(
        "#!/bin/sh\nunset GIT_QUARANTINE_PATH\nexport GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@b.c "
        "GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=a@b.c\n"
        f"mv $0 {tmp_path}/hook-done\n"
        "new=$(git commit-tree -p main -m meanwhile main^{tree})\n"
        "git update-ref refs/heads/main $new\n"
    )
    hook.chmod(0o755)
    report = performed(ssh_handler(repository, tmp_path), step_for()).report
    assert report.status == "COMPLETED", report.error
    assert repository.commits()[:2] == ["Set limit = 50 in BILLING", "meanwhile"]


def test_repository__refuses_the_commit_by_a_hook__is_a_fault_in_words(
    repository: BareRepository, tmp_path: Path, ssh: Path
) -> None:
    hook = repository.path / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    performance = performed(ssh_handler(repository, tmp_path), step_for())
    assert "The repository refused the commit: pre-receive hook declined" in (
        performance.report.error
    )
    assert performance.is_fault
    assert repository.commits()[0] == "settings"


def test_remote_repository__that_does_not_answer__fails_in_time(tmp_path: Path) -> None:
    write_secret(tmp_path, "git", "govsite:password")
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/repository.git"
        began = time.monotonic()
        performance = performed(remote_handler(address, tmp_path), step_for(seconds=1))
    assert time.monotonic() - began < 2
    assert performance.is_fault
