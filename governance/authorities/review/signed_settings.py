"""The places that a contract's changes touch, as the founders signed them and as they are now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from governance.authorities.contract.signatures import signing_progress
from governance.authorities.review.differences import NO_RECORDED_VALUE, SettingKey, values_in
from governance.authorities.review.view import fact_name
from governance.domain.canonical import canonical_text, load_json
from governance.domain.values import ChangedSetting, ContractStatus, PlatformState
from governance.models import SystemContract
from governance.services.registry.secret_keys import visible_value

MAX_SHOWN = 200  # characters of a value


def changed_settings(contract: SystemContract, platform: PlatformState) -> list[ChangedSetting]:
    """Return the touched places of an APPROVED contract that are not as its founders saw them.

    A place is compared once for each signature that counts, however many steps touch it: its
    current value with the one on the signed page. A place that an older view does not show is not
    compared. A contract that is not APPROVED has no such places.
    """
    if contract.status != ContractStatus.APPROVED or contract.approved_at is None:
        return []
    current_value = values_in(platform)
    touched = list(dict.fromkeys(_touched(contract.proposed_changes)))
    changed = []
    for signature in signing_progress(contract, at=contract.approved_at).active_signatures:
        facts = load_json(signature.view)["facts"]
        for setting in touched:
            name = fact_name(setting)
            current = current_value(setting).serialized
            signed = facts.get(name, current)
            if signed == current:
                continue
            signed, current = _shown(signed, setting), _shown(current, setting)
            if signed != current:
                by = signature.founder.get_username()
                changed.append(ChangedSetting(name, by, signed[:MAX_SHOWN], current[:MAX_SHOWN]))
    return changed


def _touched(documents: Iterable[Any]) -> Iterator[SettingKey]:
    """Yield the settings that recorded changes touch, without parsing the changes again."""
    for change in documents:
        match change:
            case {"type": "configuration_update", "scope": scope, "key": key}:
                yield SettingKey(scope, key)
            case {"type": "parameter_change", "scope": scope, "parameters": parameters}:
                yield from (SettingKey(scope, key) for key in parameters)
            case {"capability_name": name}:
                yield SettingKey(name)


def _shown(serialized: str, setting: SettingKey) -> str:
    """Return what is compared and shown: an absent key reads as null, and no secret is shown."""
    if setting.key is None:
        return serialized
    is_absent = serialized == NO_RECORDED_VALUE.serialized
    value = None if is_absent else load_json(serialized)
    return canonical_text(visible_value(setting.key, value))
