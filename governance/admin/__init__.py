"""The admin: where a founder reads what will change, and decides.

Reads through the stages' queries. It writes nothing itself: each of its buttons (Approve, Reject,
Stop the line, Thaw, Issue a token) makes one call of a flow by POST and translates the one answer.
It refuses to add, change or delete anything of the record, for anyone, superusers included.

A file for each screen: `contracts.py`, `jobs.py`, `line.py`, `registry.py`, `signals.py`,
`accounts.py`, `tokens.py`, and `story.py` for a contract's ledger; `decisions.py` holds the
buttons, `readonly.py` what all screens share.
"""

from django.contrib import admin

from governance.admin import (
    accounts,
    contracts,
    freezes,
    jobs,
    registry,
    signals,
    tokens,
)

__all__ = ["accounts", "contracts", "freezes", "jobs", "registry", "signals", "tokens"]

admin.site.index_title = "Home"
