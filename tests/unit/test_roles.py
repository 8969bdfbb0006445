"""Permissions of roles: no role combines proposing, deciding, executing and auditing.

To decide needs no permission, but the membership of the Founder group.
"""

from __future__ import annotations

import itertools

from django.apps import apps

from governance.domain.roles import ROLE_PERMISSIONS, Role
from governance.models import Account

PROPOSES, DOES, JUDGES = ("import_contract", "execute_job", "record_verdict")


def known_permissions() -> set[str]:
    """Return the default and custom permissions of all models except Account.

    Only superusers manage accounts, so no role holds permissions for them.
    """
    known = set()
    for model in set(apps.get_app_config("governance").get_models()) - {Account}:
        known |= {f"{word}_{model._meta.model_name}" for word in model._meta.default_permissions}
        known |= {codename for codename, _ in model._meta.permissions}
    return known


def test_roles__every_one__has_its_permissions() -> None:
    assert set(ROLE_PERMISSIONS) == set(Role)


def test_permissions__of_every_role__exist() -> None:
    assert set().union(*ROLE_PERMISSIONS.values()) <= known_permissions()


def test_permissions__that_exist__are_each_held_by_a_role() -> None:
    assert known_permissions() <= set().union(*ROLE_PERMISSIONS.values())


def test_permissions__of_no_role__add_change_or_delete_rows() -> None:
    words = {permission.partition("_")[0] for permission in known_permissions()}
    assert words.isdisjoint({"add", "change", "delete"})


def test_roles__proposing_deciding_doing_and_judging__never_meet_in_one() -> None:
    for role, permissions in ROLE_PERMISSIONS.items():
        for one, other in itertools.combinations((PROPOSES, DOES, JUDGES), 2):
            assert not {one, other} <= permissions, role
    assert {PROPOSES, DOES, JUDGES}.isdisjoint(ROLE_PERMISSIONS[Role.FOUNDER])


def test_viewer__may_read_and_nothing_else() -> None:
    assert {word.partition("_")[0] for word in ROLE_PERMISSIONS[Role.VIEWER]} == {"view"}
    assert all(ROLE_PERMISSIONS[Role.VIEWER] <= held for held in ROLE_PERMISSIONS.values())
