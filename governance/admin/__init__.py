"""The admin: the pages on which founders read and decide.

It reads through the queries of authorities and services. Each of its buttons (Approve, Reject,
Start a change freeze, Issue a token …) sends a POST, which makes one call of a flow or service and
translates the answer. No page adds, changes or deletes a row of the record in another way, not even
for a superuser. Accounts and groups are managed by superusers only (`accounts.py`).

One file registers the pages of each model: `contracts.py`, `jobs.py`, `freezes.py`, `breakers.py`,
`registry.py`, `signals.py`, `notices.py`, `accounts.py`, `tokens.py`. `readonly.py` and `lists.py`
are their base classes, and `form_pages.py` answers forms. `review_forms.py` and `modify.py` are the
forms of a review.
`ledger_page.py`, `job_page.py`, `contract_page.py`, `capability_page.py` and `workers.py` prepare
what single pages show.
"""

from django.contrib import admin
from procrastinate.contrib.django.models import ProcrastinateJob

from governance.admin import (
    accounts,
    breakers,
    contracts,
    freezes,
    jobs,
    notices,
    registry,
    signals,
    tokens,
)

__all__ = [
    "accounts",
    "breakers",
    "contracts",
    "freezes",
    "jobs",
    "notices",
    "registry",
    "signals",
    "tokens",
]

admin.site.index_title = "Home"
# The queue's own pages have buttons that would change it past our flows.
admin.site.unregister(ProcrastinateJob)
