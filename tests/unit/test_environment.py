"""Settings read from environment variables, and the values that are refused."""

from __future__ import annotations

import stat
import threading
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from govsite.databases import (
    CONNECTION_OPTIONS,
    PLANNER_OPTIONS,
    POOL_OPTIONS,
    PREPARE_THRESHOLD,
    read_database,
    read_databases,
    read_search_path,
    read_session_options,
)
from govsite.environment import (
    read_approvals_required,
    read_choices,
    read_flag,
    read_fraction,
    read_list,
    read_number,
    read_schema,
    read_secret_key,
)

NAME = "GOVSITE_TEST_SETTING"


PREPARING = CONNECTION_OPTIONS | {
    "prepare_threshold": PREPARE_THRESHOLD,
    "server_side_binding": True,
}


@pytest.mark.parametrize("value", ["1", "true", "YES", " on "])
def test_flag__written_on__true(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(NAME, value)
    assert read_flag(NAME, False) is True


@pytest.mark.parametrize("value", ["0", "False", "no", "off"])
def test_flag__written_off__false(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(NAME, value)
    assert read_flag(NAME, True) is False


@pytest.mark.parametrize("default", [True, False])
@pytest.mark.parametrize("value", [None, "", "  "])
def test_flag__absent_or_empty__default(
    monkeypatch: pytest.MonkeyPatch, value: str | None, default: bool
) -> None:
    monkeypatch.delenv(NAME, raising=False)
    if value is not None:
        monkeypatch.setenv(NAME, value)
    assert read_flag(NAME, default) is default


@pytest.mark.parametrize("value", ["maybe", "2", "tru", "-"])
def test_flag__written_otherwise__refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(NAME, value)
    with pytest.raises(ImproperlyConfigured, match=NAME):
        read_flag(NAME, False)


@pytest.mark.parametrize(("value", "number"), [("0", 0), (" 7 ", 7), ("10", 10), ("", 3)])
def test_number__in_bounds_or_empty__read(
    monkeypatch: pytest.MonkeyPatch, value: str, number: int
) -> None:
    monkeypatch.setenv(NAME, value)
    assert read_number(NAME, 3, minimum=0, maximum=10) == number


@pytest.mark.parametrize("value", ["-1", "11", "1.5", "ten", "1e1", "0x1"])
def test_number__out_of_bounds_or_none__refused(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv(NAME, value)
    with pytest.raises(ImproperlyConfigured, match=NAME):
        read_number(NAME, 3, minimum=0, maximum=10)


@pytest.mark.parametrize(
    ("value", "words"),
    [("a, b ,,c", ["a", "b", "c"]), ("a", ["a"]), ("", ["default"]), (" , ", ["default"])],
)
def test_list__words_between_commas__read(
    monkeypatch: pytest.MonkeyPatch, value: str, words: list[str]
) -> None:
    monkeypatch.setenv(NAME, value)
    assert read_list(NAME, ["default"]) == words


def test_secret_key__given__used_and_not_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SECRET_KEY", "given")
    assert read_secret_key(tmp_path) == "given"
    assert list(tmp_path.iterdir()) == []


def test_secret_key__not_given__made_once_and_readable_by_us_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    folder = tmp_path / "new"
    key = read_secret_key(folder)
    assert len(key) >= 50
    assert read_secret_key(folder) == key
    assert [path.name for path in folder.iterdir()] == ["secret_key"]
    assert stat.S_IMODE((folder / "secret_key").stat().st_mode) == 0o600


def test_secret_key__asked_for_by_many_at_once__one_key(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    start, keys = threading.Barrier(8), []

    def ask() -> None:
        start.wait()
        keys.append(read_secret_key(tmp_path))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8
    assert len(set(keys)) == 1


def database(monkeypatch: pytest.MonkeyPatch, url: str, pool_size: int = 0) -> dict[str, Any]:
    monkeypatch.setenv("DATABASE_URL", url)
    return read_database(Path("/data"), search_path="", pool_size=pool_size)


def test_database__no_url__the_embedded_one(monkeypatch: pytest.MonkeyPatch) -> None:
    read = database(monkeypatch, "")
    assert (read["ENGINE"], read["NAME"], read["HOST"]) == (
        "govsite.embedded",
        "govsite",
        "/data/pg",
    )


def databases(monkeypatch: pytest.MonkeyPatch, url: str, owner: str) -> dict[str, Any]:
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("GOVSITE_OWNER_DATABASE_URL", owner)
    return read_databases(
        Path("/data"),
        search_path="-c search_path=alpha",
        pool_size=8,
        session="-c lock_timeout=5000",
    )


def test_databases__no_url__the_application_and_the_owner_of_the_embedded_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = databases(monkeypatch, "", "")
    assert {alias: one["USER"] for alias, one in read.items()} == {
        "default": "govsite_app",
        "owner": "postgres",
    }
    assert read["owner"]["HOST"] == read["default"]["HOST"]


def test_databases__with_an_owner__who_has_no_pool_and_no_time_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = databases(monkeypatch, "postgresql://app@h/db", "postgresql://owner@h/db")
    assert (read["default"]["USER"], read["owner"]["USER"]) == ("app", "owner")
    assert "pool" in read["default"]["OPTIONS"]
    assert read["default"]["OPTIONS"]["options"] == "-c lock_timeout=5000 -c search_path=alpha"
    assert "pool" not in read["owner"]["OPTIONS"]
    assert read["owner"]["OPTIONS"]["options"] == "-c search_path=alpha"


def test_databases__without_an_owner__one_role_does_both(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(databases(monkeypatch, "postgresql://app@h/db", "")) == ["default"]


@pytest.mark.parametrize(
    ("url", "owner", "words"),
    [
        ("", "postgresql://owner@h/db", "needs DATABASE_URL"),
        ("postgresql://app@h/db", "postgresql://owner@h/other", "the same database"),
        (
            "postgresql://app@h/db",
            "mysql://owner:secret@h/db",
            "GOVSITE_OWNER_DATABASE_URL must have the form",
        ),
    ],
)
def test_databases__that_do_not_go_together__are_refused(
    monkeypatch: pytest.MonkeyPatch, url: str, owner: str, words: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=words) as refusal:
        databases(monkeypatch, url, owner)
    assert "secret" not in str(refusal.value)


def test_database__full_url__read_in_all_its_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "postgresql://us%40er:p%2Fw@db.example:5433/na%20me?sslmode=require"
    read = database(monkeypatch, url)
    assert {key: read[key] for key in ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT")} == {
        "ENGINE": "govsite.postgresql",
        "NAME": "na me",
        "USER": "us@er",
        "PASSWORD": "p/w",
        "HOST": "db.example",
        "PORT": "5433",
    }
    assert read["OPTIONS"] == PREPARING | {"sslmode": "require"}


def test_database__over_a_unix_socket__its_folder_is_the_host(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = database(monkeypatch, "postgres:///govsite?host=/var/run/postgresql")
    assert (read["HOST"], read["PORT"]) == ("/var/run/postgresql", "")
    assert read["OPTIONS"] == PREPARING


def test_database__pooled__connections_are_the_pools(monkeypatch: pytest.MonkeyPatch) -> None:
    read = database(monkeypatch, "postgresql://h/db?connect_timeout=7", pool_size=8)
    assert read["CONN_MAX_AGE"] == 0
    assert read["OPTIONS"] == PREPARING | {
        "pool": POOL_OPTIONS | {"max_size": 8},
        "connect_timeout": "7",
    }


def test_database__with_timeouts__set_before_the_options_of_the_url(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://h/db?options=-c%20lock_timeout=1")
    read = read_database(Path("/data"), search_path="", pool_size=0, session="-c lock_timeout=5000")
    assert read["OPTIONS"]["options"] == "-c lock_timeout=5000 -c lock_timeout=1"


def test_database__whose_url_names_another_schema__stays_in_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://h/db?options=-c%20search_path=beta")
    read = read_database(Path("/data"), search_path="-c search_path=alpha", pool_size=0)
    assert read["OPTIONS"]["options"].endswith("-c search_path=beta -c search_path=alpha")


@pytest.mark.parametrize("value", ["public", "alpha", "_a1", "user", "a" * 63])
def test_schema__plain_name__as_it_is(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(NAME, value)
    assert read_schema(NAME, "public") == value


@pytest.mark.parametrize("value", ["", "  "])
def test_schema__not_given__default(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(NAME, value)
    assert read_schema(NAME, "public") == "public"


@pytest.mark.parametrize(
    "value",
    [
        *("Alpha", "1st", "two words", "a-b", "a.b", 'a"b', "a,b", "$user", "é", "a" * 64),
        *("pg_temp", "pg_catalog", "information_schema", "a\nb"),
    ],
)
def test_schema__any_other_name__refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(NAME, value)
    with pytest.raises(ImproperlyConfigured, match=f"{NAME} must be at most 63 lower-case"):
        read_schema(NAME, "public")


def test_search_path__of_the_schema__unless_left_to_the_role(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("GOVSITE_DB_SEARCH_PATH", raising=False)
    assert read_search_path("alpha") == "-c search_path=alpha"
    monkeypatch.setenv("GOVSITE_DB_SEARCH_PATH", "0")
    assert read_search_path("alpha") == ""


def test_timeouts__as_set__zero_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOVSITE_DB_LOCK_TIMEOUT_MS", "250")
    monkeypatch.setenv("GOVSITE_DB_STATEMENT_TIMEOUT_MS", "0")
    limits = "-c lock_timeout=250 -c idle_in_transaction_session_timeout=60000"
    assert read_session_options() == f"{limits} {PLANNER_OPTIONS}"
    for name in ("LOCK", "STATEMENT", "IDLE_TRANSACTION"):
        monkeypatch.setenv(f"GOVSITE_DB_{name}_TIMEOUT_MS", "0")
    assert read_session_options() == PLANNER_OPTIONS
    monkeypatch.setenv("GOVSITE_DB_PLANNING", "0")
    assert read_session_options() == ""


@pytest.mark.parametrize(
    "url",
    [
        "mysql://u:secret@h/db",
        "sqlite:///db",
        "postgresql://h",
        "postgresql://h/",
        "db",
        "postgresql://u:secret@h:port/db",
        "postgresql://h:99999/db",
        "postgresql://[::1/db",
    ],
)
def test_database__url_of_something_else__refused_without_saying_the_password(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL") as caught:
        database(monkeypatch, url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("", {}),
        ("critical=2", {"critical": 2}),
        (" critical = 3 , low=2,", {"critical": 3, "low": 2}),
        ("high=1", {"high": 1}),
        ("medium=20", {"medium": 20}),
    ],
)
def test_quorum__named_for_some_risks__one_for_the_others(
    monkeypatch: pytest.MonkeyPatch, value: str, named: dict[str, int]
) -> None:
    monkeypatch.setenv(NAME, value)
    ones = {"critical": 1, "high": 1, "medium": 1, "low": 1}
    assert read_approvals_required(NAME) == ones | named


@pytest.mark.parametrize(
    "value",
    [
        "2",
        "critical",
        "critical=",
        "critical=0",
        "critical=-1",
        "critical=2.0",
        "critical=21",
        "critical=two",
        "critical=²",
        "Critical=2",
        "huge=2",
        "critical=2,critical=2",
        "critical=2;high=2",
    ],
)
def test_quorum__that_cannot_be_met__refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(NAME, value)
    with pytest.raises(ImproperlyConfigured, match=NAME):
        read_approvals_required(NAME)


def test_database__behind_a_pooler_that_keeps_no_statements__prepares_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GOVSITE_DB_PREPARED_STATEMENTS", "0")
    read = database(monkeypatch, "postgresql://us@db.example/name")
    assert read["OPTIONS"] == CONNECTION_OPTIONS


@pytest.mark.parametrize(
    ("value", "text"), [("", "0.30"), (" 0.5 ", "0.5"), ("0", "0"), ("1.0", "1.0")]
)
def test_fraction__between_0_and_1__is_the_text(
    monkeypatch: pytest.MonkeyPatch, value: str, text: str
) -> None:
    monkeypatch.setenv(NAME, value)
    assert read_fraction(NAME, "0.30") == text


@pytest.mark.parametrize("value", ["-0.1", "1.1", "2", "0,5", ".5", "NaN", "5e-1", "0.12345678"])
def test_fraction__written_otherwise__refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(NAME, value)
    with pytest.raises(ImproperlyConfigured, match=NAME):
        read_fraction(NAME, "0.30")


def test_choices__of_the_closed_set__are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "one, two")
    assert read_choices(NAME, ["one"], choices=["one", "two", "three"]) == ["one", "two"]


def test_choices__with_another_word__refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "one,four")
    with pytest.raises(ImproperlyConfigured, match="'four' is none of them"):
        read_choices(NAME, ["one"], choices=["one", "two", "three"])
