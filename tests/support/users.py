"""The user accounts that all tests share."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import Group

from governance.domain.roles import Role
from governance.models import Account


@dataclass(frozen=True)
class Users:
    """One account for each role.

    `operator` proposes and activates, `founder` decides, `executor` runs jobs, `auditor` gives
    verdicts. `second_founder` and `second_auditor` do what one person may not do alone. `viewer`
    may only read. `outsider` has no role.
    """

    operator: Account
    founder: Account
    second_founder: Account
    executor: Account
    auditor: Account
    second_auditor: Account
    viewer: Account
    outsider: Account


def create_users() -> Users:
    def new_user(username: str, role: Role | None) -> Account:
        person = Account.objects.create_user(username, is_staff=role is not None)
        if role:
            person.groups.add(Group.objects.get(name=role))
        return person

    return Users(
        operator=new_user("operator", Role.OPERATOR),
        founder=new_user("founder", Role.FOUNDER),
        second_founder=new_user("second-founder", Role.FOUNDER),
        executor=new_user("executor", Role.EXECUTOR),
        auditor=new_user("auditor", Role.AUDITOR),
        second_auditor=new_user("second-auditor", Role.AUDITOR),
        viewer=new_user("viewer", Role.VIEWER),
        outsider=new_user("outsider", None),
    )
