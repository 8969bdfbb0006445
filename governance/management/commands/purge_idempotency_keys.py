"""Answers that were kept so that a call could be sent again are removed after a day."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from governance.management.base import GovernanceCommand
from governance.services.idempotency.stored_responses import purge_stored_responses


class Command(GovernanceCommand):
    help = """Remove what was kept of API calls under their Idempotency-Key for more than 24 hours.

For a scheduler to call, every hour or so. A key whose answer is gone stands for nothing any more:
a call that is sent under it is carried out anew. No part of the record is touched."""

    has_json = True
    examples = ("purge_idempotency_keys", "purge_idempotency_keys --json")

    def run(self, **options: Any) -> None:
        purged = purge_stored_responses(at=timezone.now())
        if options["as_json"]:
            self.print_json({"purged": purged})
        else:
            self.say(f"{purged} purged")
