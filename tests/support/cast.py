"""One cast everywhere: who plays in the stories."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import Group

from governance.models import Account
from governance.vocabulary.roles import Role


@dataclass(frozen=True)
class Cast:
    """`operator` proposes and activates, `founder` decides, `executor` runs, `auditor` judges.

    `second_founder` and `second_auditor` are there for what one person may not do alone;
    `viewer` may only look, `outsider` may do nothing at all.
    """

    operator: Account
    founder: Account
    second_founder: Account
    executor: Account
    auditor: Account
    second_auditor: Account
    viewer: Account
    outsider: Account


def hire_cast() -> Cast:
    def hire(username: str, role: Role | None) -> Account:
        person = Account.objects.create_user(username, is_staff=role is not None)
        if role:
            person.groups.add(Group.objects.get(name=role))
        return person

    return Cast(
        operator=hire("operator", Role.OPERATOR),
        founder=hire("founder", Role.FOUNDER),
        second_founder=hire("second-founder", Role.FOUNDER),
        executor=hire("executor", Role.EXECUTOR),
        auditor=hire("auditor", Role.AUDITOR),
        second_auditor=hire("second-auditor", Role.AUDITOR),
        viewer=hire("viewer", Role.VIEWER),
        outsider=hire("outsider", None),
    )
