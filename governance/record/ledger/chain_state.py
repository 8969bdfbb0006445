"""The state of a chain while verification reads its entries, and which entry may come next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from governance.domain.values import ContractStatus, JobStatus
from governance.record.ledger.chain import GENESIS
from governance.record.ledger.contract_record import RecordIndex
from governance.record.ledger.events import CLARIFICATION_RECORDS, EVENTS, NUMBERED_RECORDS

# The digests in an entry, by record; None states that there is no such row.
Records = Mapping[str, str | None]

# The subject of each event, whose status it moves: `contract` or `job`.
SUBJECTS: Mapping[str, str] = {event: event.partition(".")[0] for event in EVENTS}


@dataclass(slots=True)
class ChainState:
    """The last hash and time, the statuses of contract and job, and the records vouched for."""

    entries: int = 0
    head: bytes = GENESIS
    at: str = ""
    statuses: dict[str, str] = field(default_factory=lambda: {"contract": "", "job": ""})
    last_at: dict[str, str] = field(default_factory=lambda: {"contract": "", "job": ""})
    steps: int = 0
    vouched: set[tuple[str, RecordIndex]] = field(default_factory=set)
    counted: dict[str, int] = field(default_factory=lambda: dict.fromkeys(NUMBERED_RECORDS, 0))

    def index_of(self, record: str, entry: Any) -> RecordIndex:
        """Return which of several rows an entry vouches for: its step's, or the next by number."""
        if record in self.counted:
            return self.counted[record] + 1
        index: RecordIndex = entry.step_index
        return index

    def is_in_turn(self, entry: Any) -> bool:
        """Tell whether an entry without a status may come now.

        The order of the other entries follows from their statuses.
        """
        event, contract, job = entry.event, self.statuses["contract"], self.statuses["job"]
        if SUBJECTS[event] == "job":
            return job == JobStatus.RUNNING and bool(entry.step_index == self.steps)
        if event in CLARIFICATION_RECORDS:
            questions, answers = (self.counted[record] for record in CLARIFICATION_RECORDS.values())
            is_answer = event == "contract.review.clarified"
            return contract == ContractStatus.ELIGIBLE and questions - answers == is_answer
        if event == "contract.review.signed":
            return contract == ContractStatus.ELIGIBLE
        has_ended = contract == ContractStatus.ACTIVE and job == JobStatus.COMPLETED
        if event == "contract.audit.attempted":
            return has_ended
        return has_ended and ("audit_sha256", None) not in self.vouched

    def add_entry(self, entry: Any, records: Records) -> None:
        """Add a verified entry to the state."""
        subject = SUBJECTS[entry.event]
        self.entries += 1
        self.head = entry.hash
        self.at = self.last_at[subject] = entry.at
        self.steps += entry.step_index is not None
        if entry.to_status:
            self.statuses[subject] = entry.to_status
        for record, value in records.items():
            if value is not None:
                self.vouched.add((record, self.index_of(record, entry)))
                if record in self.counted:
                    self.counted[record] += 1
