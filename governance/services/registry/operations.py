"""Filling the registry: the only writer of capabilities and configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from governance.db.transactions import retried, write_transaction
from governance.domain.canonical import require_plain_json
from governance.domain.errors import InvalidInputError
from governance.domain.secrets import clear_secrets, refuse_clear_secrets
from governance.domain.values import Lifecycle
from governance.models import Capability, ConfigurationEntry
from governance.services.registry.secret_keys import secret_keys


@retried
def register_capabilities(*, documents: Sequence[Mapping[str, Any]]) -> int:
    """Add the capabilities that are not registered yet, all or none; return their number.

    Registered capabilities stay as they are, so a file does not overwrite a live platform's state.

    Args:
        documents: objects with `name`, and optionally `lifecycle` (default DISABLED), `frozen`,
            `title`, `owner`, `components`, `proposal` or `kep`, `stages` and `configuration`
            (key → value; null is no value, and is not stored), and `secret_keys` (the keys whose
            values are secrets).

    Raises:
        InvalidInputError: with the path of the document and the field; SecretInClearError for a
            secret that is no reference.
    """
    rows: list[Capability] = []
    entries: dict[str, Mapping[str, Any]] = {}
    for index, document in enumerate(documents):
        capability, configuration = _read(document, f"capabilities[{index}]")
        rows.append(capability)
        entries[capability.name] = configuration
    with write_transaction():
        known = set(Capability.objects.filter(name__in=entries).values_list("name", flat=True))
        new = [row for row in rows if row.name not in known]
        Capability.objects.bulk_create(new, ignore_conflicts=True, batch_size=1000)
        ConfigurationEntry.objects.bulk_create(
            (
                ConfigurationEntry(scope=row.name, key=key, value=value)
                for row in new
                for key, value in entries[row.name].items()
                if value is not None  # null is no value
            ),
            ignore_conflicts=True,
            batch_size=1000,
        )
    return len(new)


def _read(document: Any, path: str) -> tuple[Capability, Mapping[str, Any]]:
    require_plain_json(document, path)
    if not isinstance(document, Mapping):
        raise InvalidInputError.at(path, "must be an object")
    name = document.get("name")
    if not isinstance(name, str) or not 1 <= len(name) <= 200 or name != name.strip():
        raise InvalidInputError.at(f"{path}.name", "must be a name of 1 to 200 characters")
    lifecycle = document.get("lifecycle", Lifecycle.DISABLED)
    if not isinstance(lifecycle, str) or lifecycle not in set(Lifecycle):
        raise InvalidInputError.at(f"{path}.lifecycle", "must be one of " + ", ".join(Lifecycle))
    texts = {
        "title": document.get("title", ""),
        "owner": document.get("owner", ""),
        "proposal": document.get("proposal") or document.get("kep", ""),
    }
    for field, value in texts.items():
        if not isinstance(value, str) or len(value) > 200 + 300 * (field == "title"):
            raise InvalidInputError.at(f"{path}.{field}", "must be a short text")
    components = document.get("components", [])
    if not isinstance(components, list) or not all(
        isinstance(item, str) and len(item) <= 200 for item in components
    ):
        raise InvalidInputError.at(f"{path}.components", "must be a list of names")
    configuration = document.get("configuration", {})
    stages = document.get("stages", {})
    for field, value in (("configuration", configuration), ("stages", stages)):
        if not isinstance(value, Mapping):
            raise InvalidInputError.at(f"{path}.{field}", "must be an object")
    secrets = document.get("secret_keys", [])
    if not isinstance(secrets, list) or not all(
        isinstance(key, str) and 1 <= len(key) <= 200 for key in secrets
    ):
        raise InvalidInputError.at(f"{path}.secret_keys", "must be a list of names")
    refuse_clear_secrets(
        clear_secrets(configuration, f"{path}.configuration", secret_keys(secrets))
    )
    for key in configuration:
        where = f"{path}.configuration.{key}"
        if not 1 <= len(key) <= 200 or key != key.strip():
            raise InvalidInputError.at(where, "must be a key of 1 to 200 characters")
    frozen = document.get("frozen", False)
    if not isinstance(frozen, bool):
        raise InvalidInputError.at(f"{path}.frozen", "must be true or false")
    row = Capability(
        name=name,
        lifecycle=lifecycle,
        frozen=frozen,
        components=components,
        stages=dict(stages),
        secret_keys=secrets,
        **texts,
    )
    return row, configuration
