"""Which keys are those of secrets, and which values are secrets in clear."""

from __future__ import annotations

from typing import Any

import pytest

from governance.domain.changes import parse_changes
from governance.domain.errors import SecretInClearError
from governance.domain.secrets import (
    SecretKeys,
    clear_secrets,
    refuse_clear_secrets,
    secrets_in_change,
)

KEYS = SecretKeys(("password", "secret", "token", "credential", "private key", "api key"))
OF_SECRETS = [
    *("smtp_password", "password", "PASSWORD", "passwords", "db.password", "userPasswords"),
    *("db_name_password", "password2", "token_1", "passwordHash", "PasswordSMTP"),
    *("apiKey", "api-key", "API_KEY", "APIKey", "apikey", "api key", "api_keys", "stripe.api.key"),
    *("privateKey", "private_key.pem", "PrivateKeys", "aws_secret_access_key", "client-secret"),
    *("accessToken", "token", "tokens", "oauth2Token", "credentials", "gitCredential"),
    *("ｐａｓｓｗｏｒｄ", "limit_password"),
]
OF_OTHERS = [
    *("max_tokens", "maxOutputTokens", "token_limit", "token-bucket-size"),
    *("password_min_length", "min_password_length", "passwordPolicy", "requirePassword"),
    *("api_key_file", "tokenTtl", "secretName", "secret_rotation_days", "rate_per_token"),
    *("tokenizer", "secretary", "passwordless", "apikeyring", "monkey", "public_key", "key", "api"),
    *("page_size", "keys", "private", "access", "", "_", "пароль"),
]
REFERENCES = [
    "secret://SMTP",
    "secret://smtp_password",
    "secret://a.b-c_1",
    "secret://" + "x" * 128,
]
NO_REFERENCES: list[Any] = [
    *("hunter2", "", "secret://", "secret://a b", "secret://../etc/passwd", "secret://a/b"),
    *(
        "Secret://A",
        " secret://A",
        "secret://A\n",
        "secret://" + "x" * 129,
        "secret://?",
        "secret://é",
    ),
    *(12345, 0, 1.5, True, False),
]


@pytest.mark.parametrize("key", OF_SECRETS)
def test_key__with_the_whole_word__is_a_secrets(key: str) -> None:
    assert key in KEYS


@pytest.mark.parametrize("key", OF_OTHERS)
def test_key__with_a_part_of_the_word_or_about_secrets__is_not(key: str) -> None:
    assert key not in KEYS


def test_key__named_by_the_registry__is_a_secrets_whatever_its_words() -> None:
    keys = SecretKeys(("password",), ["pepper", "max_tokens"])
    assert "pepper" in keys
    assert "max_tokens" in keys
    assert "Pepper" not in keys
    assert "token" not in keys


@pytest.mark.parametrize(
    "value", [None, *REFERENCES, [], {}, ["secret://A", None], {"a": "secret://A"}]
)
def test_value__that_is_a_reference_or_no_value__passes(value: Any) -> None:
    assert list(clear_secrets({"password": value}, "p", KEYS)) == []


@pytest.mark.parametrize("value", NO_REFERENCES)
def test_value__that_is_no_reference__is_a_secret_in_clear(value: Any) -> None:
    assert list(clear_secrets({"password": value}, "p", KEYS)) == ["p.password"]
    assert list(clear_secrets({"size": value}, "p", KEYS)) == []


def test_value__deep_inside__is_found_by_its_path() -> None:
    value = {
        "smtp": [{"host": "x", "password": "x"}, {"api_keys": ["secret://A", "x", {"a": "x"}]}]
    }
    assert list(clear_secrets(value, "p", KEYS)) == [
        "p.smtp[0].password",
        "p.smtp[1].api_keys[1]",
        "p.smtp[1].api_keys[2].a",
    ]


def test_change__of_each_type__names_its_secrets() -> None:
    update = {
        "type": "configuration_update",
        "scope": "Mail",
        "new_value": "new",
        "old_value": "old",
    }
    documents = [
        {"type": "capability_disable", "capability_name": "Mail", "reason": "password: hunter2"},
        update | {"key": "smtp_password"},
        update | {"key": "size", "old_value": {"token": "x"}},
        update | {"key": "smtp_password", "new_value": None, "old_value": "secret://SMTP"},
        {"type": "parameter_change", "scope": "Mail", "parameters": {"api_key": "x", "size": 1}},
    ]
    found = [list(secrets_in_change(change, "c", KEYS)) for change in parse_changes(documents)]
    assert found == [
        [],
        ["c.old_value", "c.new_value"],
        ["c.old_value.token"],
        [],
        ["c.parameters.api_key"],
    ]


def test_refusal__names_every_path() -> None:
    refuse_clear_secrets([])
    with pytest.raises(SecretInClearError) as refusal:
        refuse_clear_secrets(["a", "b"])
    assert [fault["path"] for fault in refusal.value.errors] == ["a", "b"]
    assert refusal.value.code == "secret_in_clear"
