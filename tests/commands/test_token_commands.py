"""The commands that create scoped tokens and list, rotate and revoke tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from governance.domain.tokens import hash_token
from governance.models import Account, ApiToken
from governance.services.access.queries import find_token
from governance.services.registry.operations import register_capabilities
from tests.support.commands import run
from tests.support.factories import now
from tests.support.tokens import made_token
from tests.support.users import Users

AS = ("--as", "admin")
WORKER = ("create_api_token", "worker", "--role", "Executor", "--create")


@pytest.fixture(autouse=True)
def admin(users: Users) -> Account:
    return Account.objects.create_superuser("admin")


def listed(*arguments: str) -> list[dict[str, Any]]:
    ran = run("list_api_tokens", *arguments, "--json")
    assert ran.code == 0, ran.err
    printed: list[dict[str, Any]] = ran.json()
    return printed


# --- create ---
def test_create__narrowed__holds_only_what_was_named(users: Users) -> None:
    register_capabilities(documents=[{"name": "Search"}])
    verbs = ("--verb", "execute_job", "--verb", "view_jobstep")
    capabilities = ("--capability", "Search", "--capability", "Serach", "--capability", "SYSTEM")
    ran = run(*WORKER, "--name", "rack 3", *verbs, *capabilities, *AS, "--json")
    token, printed = ApiToken.objects.get(), ran.json()
    assert hash_token(printed["token"]) == token.digest
    assert printed["id"] == str(token.pk)
    assert printed["verbs"] == token.verbs == ["view_jobstep", "execute_job"]
    assert printed["capabilities"] == token.capabilities == ["SYSTEM", "Search", "Serach"]
    assert (token.name, token.issued_by) == ("rack 3", Account.objects.get(username="admin"))
    assert ran.err == "Not in the registry yet: Serach.\n"


def test_create__for_a_person_who_logs_in__is_refused(users: Users) -> None:
    users.executor.set_password("a long one")
    users.executor.save()
    ran = run("create_api_token", "executor-1", "--role", "Executor", *AS)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.endswith("(not_a_service_account)\n")


def test_create__verb_that_the_role_does_not_have__is_refused(users: Users) -> None:
    ran = run(*WORKER, "--verb", "record_verdict", *AS)
    assert (ran.code, ran.err) == (
        1,
        "error: verbs: worker may not record_verdict. (invalid_input)\n",
    )
    assert not Account.objects.filter(username="worker").exists()


# --- list ---
def test_list__tokens_that_work__newest_first_and_all_of_them_on_demand(users: Users) -> None:
    first, text = made_token(users.viewer, name="first", last_used_at=None)
    ended, _ = made_token(users.viewer, lasts=timedelta(seconds=-1))
    revoked, _ = made_token(users.executor)
    last, _ = made_token(users.executor, verbs=["execute_job"], capabilities=["Search"])
    assert run("revoke_api_token", revoked.pk, *AS).code == 0
    assert [printed["id"] for printed in listed()] == [str(last.pk), str(first.pk)]
    assert [printed["id"] for printed in listed("--user", "viewer")] == [str(first.pk)]
    states = {printed["id"]: printed["state"] for printed in listed("--all")}
    assert states == {
        str(first.pk): "LIVE",
        str(ended.pk): "EXPIRED",
        str(revoked.pk): "REVOKED",
        str(last.pk): "LIVE",
    }
    ran = run("list_api_tokens", "--all")
    lines = ran.out.splitlines()
    assert len(lines) == 4
    assert "verbs: execute_job  capabilities: Search" in lines[0]
    assert '"first"  verbs: all of its account  capabilities: all' in lines[3]
    assert "never used" in lines[3]
    for secret in (text, text[:15], first.digest):
        assert secret not in ran.out + str(listed("--all"))


def test_list__unknown_or_invalid_user__prints_nothing_or_is_refused(users: Users) -> None:
    assert listed("--user", "nobody") == []
    assert run("list_api_tokens", "--user", "\ud800").code == 1


# --- rotate ---
def test_rotate__by_its_beginning__prints_the_successor_once(users: Users) -> None:
    ran = run(*WORKER, *AS)
    old = ApiToken.objects.get()
    ran = run("rotate_api_token", ran.out.strip()[:8], "--overlap-hours", "2", *AS)
    assert ran.code == 0, ran.err
    successor = ApiToken.objects.get(rotated_from=old)
    assert ran.out == f"{ran.out.strip()}\n"
    assert hash_token(ran.out.strip()) == successor.digest
    assert ran.err.endswith("It is not shown again.\n")
    assert ran.out.strip() not in ran.err
    left = find_token(str(old.pk)).expiry - now()
    assert timedelta(hours=1.9) < left <= timedelta(hours=2)


def test_rotate__json__shows_whose_successor_it_is(users: Users) -> None:
    run(*WORKER, *AS)
    old = ApiToken.objects.get()
    printed = run("rotate_api_token", old.pk, *AS, "--json").json()
    assert printed["rotated_from"] == str(old.pk)
    assert hash_token(printed["token"]) == ApiToken.objects.get(rotated_from=old).digest
    assert listed("--all")[0]["rotated_from"] == str(old.pk)


# --- revoke ---
def test_revoke__token__says_so_and_a_second_time_is_refused(users: Users) -> None:
    token, text = made_token(users.viewer)
    ran = run("revoke_api_token", text[:10], "--reason", "It leaked.", *AS, "--json")
    assert (ran.json()["state"], ran.json()["revoked_reason"]) == ("REVOKED", "It leaked.")
    ran = run("revoke_api_token", token.pk, *AS)
    assert (ran.code, ran.err.endswith("(token_revoked)\n")) == (1, True)


@pytest.mark.parametrize("command", ["rotate_api_token", "revoke_api_token"])
def test_command__token_that_is_not_there_or_no_name__is_refused(
    users: Users, command: str
) -> None:
    token, text = made_token(users.viewer)
    for name, code in (
        (text, "invalid_input"),
        ("0" * 8, "token_not_found"),
        ("é", "invalid_input"),
    ):
        ran = run(command, name, *AS)
        assert (ran.code, ran.err.endswith(f"({code})\n")) == (1, True), ran.err
        assert name == "é" or name not in ran.err  # the argument may be a token typed by mistake
    assert ApiToken.objects.get() == token
