"""Filling the registry: the only writer of capabilities and configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from governance.db.clock import database_now
from governance.db.transactions import retried, wait_for_turn, write_transaction
from governance.domain.canonical import digest
from governance.domain.errors import InvalidInputError, SimilarNameError
from governance.domain.names import MAX_NAME_LENGTH, name_key, require_line, require_name
from governance.domain.secrets import clear_secrets, refuse_clear_secrets
from governance.domain.strict_json import require_plain_json
from governance.domain.values import SYSTEM_SCOPE, Lifecycle
from governance.models import (
    Account,
    Capability,
    ConfigurationEntry,
    RegistryChange,
    RegistryImport,
)
from governance.services.registry.secret_keys import secret_keys

MAX_TITLE_LENGTH = 500


class Registration(NamedTuple):
    """What was registered: how many capabilities, and the new names that look like other ones."""

    added: int
    similar: list[tuple[str, str]]


class _NewRow(NamedTuple):
    row: Any
    name: str
    unlike: Any  # what no two rows may have, unless one resembles the other


@retried
def register_capabilities(
    *, documents: Sequence[Mapping[str, Any]], actor: Account | None = None
) -> Registration:
    """Add the capabilities that are not registered yet, all or none, as one import.

    Registered capabilities stay as they are, so a file does not overwrite a live platform's state.
    A new name that looks like another one is refused, unless the documents have both names: then
    the platform has both, and they are registered as similar.

    Args:
        documents: objects with `name`, and optionally `lifecycle` (default DISABLED), `frozen`,
            `title`, `owner`, `components`, `proposal` or `kep`, `stages` and `configuration`
            (key → value; null is no value, and is not stored), and `secret_keys` (the keys whose
            values are secrets).
        actor: who registers them; None if no account does.

    Raises:
        InvalidInputError: with the path of the document and the field; SecretInClearError for a
            secret that is no reference.
    """
    read = {}
    for index, document in enumerate(documents):
        path = f"capabilities[{index}]"
        capability, configuration = _read(document, path)
        read[capability.name] = (path, capability, configuration)
    keys = {name: name_key(name) for name in read}
    with write_transaction():
        wait_for_turn("registration")
        alike = Capability.objects.filter(name_key__in={*keys.values()})
        registered = {capability.name: capability for capability in alike}
        new = {name: found for name, found in read.items() if name not in registered}
        outside = {name_key(name): name for name in (SYSTEM_SCOPE, *registered) if name not in read}
        for name, (path, _, _) in new.items():
            if other := outside.get(keys[name]):
                raise SimilarNameError.of(f"{path}.name", name, other)
        firsts = {one.name_key: one for one in registered.values() if one.resembles_id is None}
        capabilities = [_NewRow(row, name, keys[name]) for name, (_, row, _) in new.items()]
        # A step may have set a value of a scope before its capability is registered.
        known = set(
            ConfigurationEntry.objects.filter(scope__in=list(new)).values_list("scope", "key")
        )
        entries = [
            ConfigurationEntry(scope=name, key=key, value=value)
            for name, (_, _, configuration) in new.items()
            for key, value in configuration.items()
            if value is not None and (name, key) not in known  # null is no value
        ]
        settings = [_NewRow(row, row.key, (row.scope, name_key(row.key))) for row in entries]
        _record_import([new_row.row for new_row in capabilities], entries, documents, actor)
        similar = _add(Capability, capabilities, firsts) + _add(ConfigurationEntry, settings, {})
    return Registration(len(new), similar)


def describe_capability(*, capability_id: int, title: str, owner: str) -> None:
    """Set the title and the owner of a capability, which no contract changes.

    Raises:
        InvalidNameError: a text is too long, or holds what a reader would not see.
    """
    require_line(title, "title", max_length=MAX_TITLE_LENGTH, min_length=0)
    require_line(owner, "owner", min_length=0)
    Capability.objects.filter(pk=capability_id).update(title=title, owner=owner)


def _record_import(
    capabilities: Sequence[Capability],
    entries: Sequence[ConfigurationEntry],
    documents: Sequence[Mapping[str, Any]],
    actor: Account | None,
) -> None:
    """Record an import with a change for each value, which becomes the origin of its new row."""
    if not capabilities:
        return
    now = database_now()
    registered = RegistryImport.objects.create(
        imported_at=now, imported_by=actor, documents_sha256=digest(list(documents))
    )
    values: list[tuple[Any, str, str, Any]] = [
        (row, row.name, "", str(row.lifecycle)) for row in capabilities
    ]
    values += [(row, row.scope, row.key, row.value) for row in entries]
    changes = RegistryChange.objects.bulk_create(
        [
            RegistryChange(
                scope=scope, key=key, value=value, changed_at=now, registry_import=registered
            )
            for _, scope, key, value in values
        ],
        batch_size=1000,
    )
    for (row, *_), change in zip(values, changes, strict=True):
        row.origin = change


def _add(model: Any, rows: Sequence[_NewRow], firsts: Mapping[Any, Any]) -> list[tuple[str, str]]:
    """Insert rows; one whose name looks like that of an earlier row refers to that row."""
    earlier = dict(firsts)
    similar = [new for new in rows if earlier.setdefault(new.unlike, new.row) is not new.row]
    others = [new.row for new in rows if new not in similar]
    model.objects.bulk_create(others, batch_size=1000)
    for new in similar:
        new.row.resembles = earlier[new.unlike]
    model.objects.bulk_create([new.row for new in similar], batch_size=1000)
    return [(new.name, str(new.row.resembles)) for new in similar]


def _read(document: Any, path: str) -> tuple[Capability, Mapping[str, Any]]:
    require_plain_json(document, path)
    if not isinstance(document, Mapping):
        raise InvalidInputError.at(path, "must be an object")
    name = require_name(document.get("name"), f"{path}.name")
    lifecycle = document.get("lifecycle", Lifecycle.DISABLED)
    if not isinstance(lifecycle, str) or lifecycle not in set(Lifecycle):
        raise InvalidInputError.at(f"{path}.lifecycle", "must be one of " + ", ".join(Lifecycle))
    texts = {
        "title": document.get("title", ""),
        "owner": document.get("owner", ""),
        "proposal": document.get("proposal") or document.get("kep", ""),
    }
    for field, text in texts.items():
        longest = MAX_TITLE_LENGTH if field == "title" else MAX_NAME_LENGTH
        require_line(text, f"{path}.{field}", max_length=longest, min_length=0)
    components = document.get("components", [])
    if not isinstance(components, list):
        raise InvalidInputError.at(f"{path}.components", "must be a list of names")
    for index, component in enumerate(components):
        require_line(component, f"{path}.components[{index}]", min_length=0)
    configuration = document.get("configuration", {})
    stages = document.get("stages", {})
    for field, value in (("configuration", configuration), ("stages", stages)):
        if not isinstance(value, Mapping):
            raise InvalidInputError.at(f"{path}.{field}", "must be an object")
    secrets = document.get("secret_keys", [])
    if not isinstance(secrets, list):
        raise InvalidInputError.at(f"{path}.secret_keys", "must be a list of names")
    for index, key in enumerate(secrets):
        require_name(key, f"{path}.secret_keys[{index}]")
    refuse_clear_secrets(
        clear_secrets(configuration, f"{path}.configuration", secret_keys(secrets))
    )
    for key in configuration:
        require_name(key, f"{path}.configuration.{key}")
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
