"""Delete the stored responses of API calls with an Idempotency-Key after 24 hours.

A scheduler should call this every hour. After the deletion, a call with the same key is carried out
like a new one. Nothing else is deleted.
"""

from __future__ import annotations

from governance.management.base import GovernanceCommand
from governance.services.idempotency.stored_responses import purge_stored_responses


class Command(GovernanceCommand):
    help = __doc__

    has_json = True
    examples = ("purge_idempotency_keys", "purge_idempotency_keys --json")

    def run(self) -> None:
        purged = purge_stored_responses()
        self.report({"purged": purged}, f"{purged} purged")
