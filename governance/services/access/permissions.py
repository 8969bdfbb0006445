"""Who may decide: members of the Founder, Auditor and Operator groups; no superuser otherwise.

PostgreSQL checks the same memberships (`has_role.sql`).
"""

from __future__ import annotations

from governance.domain.errors import WrongPersonError
from governance.domain.people import Actor
from governance.domain.roles import Role

IMPORT_PERMISSION = "governance.import_contract"


def is_founder(person: Actor) -> bool:
    """Return whether a person is an active member of the Founder group."""
    return person.has_role(Role.FOUNDER)


def is_auditor(person: Actor) -> bool:
    """Return whether a person is an active member of the Auditor group."""
    return person.has_role(Role.AUDITOR)


def is_operator(person: Actor) -> bool:
    """Return whether a person may do what operators may: they have the permission to import."""
    return person.is_active and person.has_perm(IMPORT_PERMISSION)


def may_close_breakers(person: Actor) -> bool:
    """Return whether a person is an active member of the Operator group."""
    return person.has_role(Role.OPERATOR)


def may_propose(person: Actor) -> bool:
    """Return whether a person may propose a contract on a page: an operator, or a founder."""
    return is_operator(person) or is_founder(person)


def require_founder(person: Actor) -> None:
    """Refuse a person who is no active member of the Founder group.

    Raises:
        WrongPersonError: for a superuser outside the group too.
    """
    if not is_founder(person):
        raise WrongPersonError(
            "Only a member of the Founder group can review contracts or freeze changes."
        )


def require_auditor(person: Actor) -> None:
    """Refuse a person who is no active member of the Auditor group.

    Raises:
        WrongPersonError: for a superuser outside the group too.
    """
    if not is_auditor(person):
        raise WrongPersonError("Only a member of the Auditor group can give or resolve a verdict.")


def require_operator(person: Actor) -> None:
    """Refuse a person who is no active member of the Operator group.

    Raises:
        WrongPersonError: for a superuser outside the group too.
    """
    if not may_close_breakers(person):
        raise WrongPersonError("Only a member of the Operator group can close a circuit breaker.")


def require_proposer(person: Actor) -> None:
    """Refuse a person who is neither an operator nor a founder.

    Raises:
        WrongPersonError: the person may not propose contracts.
    """
    if not may_propose(person):
        raise WrongPersonError("Only an operator or a founder can propose a contract.")
