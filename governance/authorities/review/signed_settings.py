"""The places that a contract's changes touch, as the founders signed them and as they are now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from governance.authorities.contract.signatures import signing_progress
from governance.authorities.review.differences import (
    NO_RECORDED_VALUE,
    SettingKey,
    ValueLookup,
    values_in,
)
from governance.authorities.review.view import fact_name
from governance.domain.canonical import canonical_text, load_json
from governance.domain.rollbacks import settings_set_by
from governance.domain.values import ApprovalKind, ChangedSetting, ContractStatus, PlatformState
from governance.models import SystemContract
from governance.services.registry.secret_keys import visible_value

MAX_SHOWN = 200  # characters of a value


def changed_settings(contract: SystemContract, platform: PlatformState) -> list[ChangedSetting]:
    """Return the touched places of an APPROVED contract that are not as its founders saw them.

    A place is compared once for each signature that counts, however many steps touch it: its
    current value with the one on the signed page. A place that an older view does not show is not
    compared. A contract that is not APPROVED has no such places. A rollback that was authorised
    before has no signed page: its places are compared with what its own plan was made from.
    """
    if contract.status != ContractStatus.APPROVED or contract.approved_at is None:
        return []
    current_value = values_in(platform)
    touched = list(dict.fromkeys(_touched(contract.proposed_changes)))
    if contract.approval_kind == ApprovalKind.PRE_AUTHORISED:
        return _moved_since_proposal(contract, touched, current_value)
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


def _moved_since_proposal(
    contract: SystemContract, touched: Sequence[SettingKey], current_value: ValueLookup
) -> list[ChangedSetting]:
    """Compare each place with the value that the first step on it would be rolled back to."""
    planned: dict[SettingKey, str] = {}
    for step in contract.plan:
        for setting, value in _restored(step["rollback_action"]):
            planned.setdefault(setting, value)
    changed = []
    for setting in touched:
        current = _shown(current_value(setting).serialized, setting)
        before = planned.get(setting, NO_RECORDED_VALUE.serialized)
        if before != current:
            by = contract.approved_by.get_username() if contract.approved_by else ""
            name = fact_name(setting)
            changed.append(ChangedSetting(name, by, before[:MAX_SHOWN], current[:MAX_SHOWN]))
    return changed


def _restored(action: Mapping[str, Any] | None) -> Iterator[tuple[SettingKey, str]]:
    """Yield each setting of a rollback action with its value, as `_shown` returns it."""
    values = settings_set_by(action) if action else {}
    for (scope, key), value in values.items():
        if key:
            yield SettingKey(scope, key), canonical_text(visible_value(key, value))
        else:
            yield SettingKey(scope), value


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
