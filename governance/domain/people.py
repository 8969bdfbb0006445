"""The people and services that act, as far as the rules need to know them."""

from __future__ import annotations

from typing import Protocol

from governance.domain.roles import Role


class Actor(Protocol):
    """An account that acts: a person, or a service.

    `pk` is its id, which never changes. The ledger names an actor by the id and the username.
    """

    pk: int
    is_active: bool
    is_staff: bool

    def get_username(self) -> str: ...

    def has_perm(self, perm: str) -> bool:
        """Return whether the account has a permission such as `governance.import_contract`."""
        ...

    def has_role(self, role: Role) -> bool:
        """Return whether the account is active and in the group of `role`."""
        ...
