"""One cast everywhere: who plays in the stories."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import Group, User

from governance.vocabulary.roles import Role


@dataclass(frozen=True)
class Cast:
    """`operator` proposes and activates, `founder` decides, `executor` runs, `auditor` judges.

    `second_founder` and `second_auditor` are there for what one person may not do alone;
    `viewer` may only look, `outsider` may do nothing at all.
    """

    operator: User
    founder: User
    second_founder: User
    executor: User
    auditor: User
    second_auditor: User
    viewer: User
    outsider: User


def hire_cast() -> Cast:
    def hire(username: str, role: Role | None) -> User:
        person = User.objects.create_user(username, is_staff=role is not None)
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
