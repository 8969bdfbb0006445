"""The state of the form that modifies a scope: kept, removed, edited and added changes.

The form carries its whole state; the server keeps none between two requests. A change that is not
open in the form is taken from the contract, so the form of a long contract stays short.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from governance.admin.scope_rows import KIND_WORDS, ScopeRow
from governance.domain.changes import Change, parse_changes
from governance.domain.sentences import Sentence
from governance.models import SystemContract
from governance.services.registry.queries import configuration_of

# Django reads at most 1 000 fields of a form, and the page needs some for itself.
MAX_FIELDS = 900
# A contract with at most so many changes shows all of them open; a longer one shows none.
OPENED_AT_ONCE = 8
FIELDS_AT_ONCE = 200
MAX_RANGES = 2000
_FAULT = re.compile(r"proposed_changes(?:\.changes)?\[([0-9]+)\](.*)", re.DOTALL)
_RANGE = re.compile(r"([0-9]{1,5})(?:\s*[-–]\s*([0-9]{1,5}))?")
_NEW = re.compile(r"n([1-9][0-9]{0,3})")


@dataclass
class ScopeBoard:
    """The form as it was last sent."""

    contract: SystemContract
    changes: Sequence[Change]
    rows: dict[str, ScopeRow] = field(default_factory=dict)
    removed: set[int] = field(default_factory=set)
    removed_typed: str = ""
    removed_error: str = ""
    reason: str = ""
    reason_error: str = ""
    faults: list[str] = field(default_factory=list)
    # The key of the row from which each of `documents` came.
    _keys: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, contract: SystemContract) -> ScopeBoard:
        """Return the form before any edit."""
        board = cls(contract, parse_changes(contract.proposed_changes))
        if len(board.changes) <= OPENED_AT_ONCE:
            rows = [
                ScopeRow.of(str(n), change.type, change) for n, change in enumerate(board.changes)
            ]
            if sum(row.size for row in rows) <= FIELDS_AT_ONCE:
                board.rows = {row.key: row for row in rows}
        board._read_configuration()
        return board

    @classmethod
    def read(cls, contract: SystemContract, sent: Any) -> ScopeBoard:
        """Return the form that was sent; fields that cannot belong to it are ignored."""
        board = cls(contract, parse_changes(contract.proposed_changes))
        board.reason = sent.get("reason", "")
        board.removed_typed = sent.get("removed", "")
        board._read_removed()
        typed = {name: sent[name] for name in sent}
        for key in sent.getlist("rows"):
            if row := board._row_named(key, sent.get(f"c{key}-type", "")):
                row.read(typed)
                board.rows[key] = row
            if board.size > MAX_FIELDS:
                break
        board._read_configuration()
        return board

    @property
    def size(self) -> int:
        return sum(row.size for row in self.rows.values())

    @property
    def next_key(self) -> str:
        used = [int(found[1]) for key in self.rows if (found := _NEW.fullmatch(key))]
        return f"n{max(used, default=0) + 1}"

    @property
    def existing_changes(self) -> list[dict[str, Any]]:
        """The contract's changes; `row` holds the fields of an open one."""
        return [
            {
                "number": number,
                "words": change.sentence(),
                "is_removed": number in self.removed,
                "row": self.rows.get(str(number)),
            }
            for number, change in enumerate(self.changes)
        ]

    @property
    def added(self) -> list[ScopeRow]:
        return [row for key, row in self.rows.items() if _NEW.fullmatch(key)]

    @property
    def is_long(self) -> bool:
        return len(self.changes) > OPENED_AT_ONCE

    # --- the buttons that change the form; none of them decides anything ---
    def act(self, do: str) -> str:
        """Apply the button `do` to the form; return a message if that is not possible.

        Args:
            do: a verb with its arguments, such as `remove:3` or `drop-parameter:2:0`. An unknown
                button changes nothing.
        """
        verb, _, what = do.partition(":")
        key, _, index = what.partition(":")
        row = self.rows.get(key)
        number = int(key) if key.isascii() and key.isdecimal() and len(key) < 6 else -1
        match verb:
            case "add" if what in KIND_WORDS:
                return self._open(ScopeRow.of(self.next_key, what))
            case "drop" if row and _NEW.fullmatch(key):
                del self.rows[key]
            case "open" if 0 <= number < len(self.changes) and row is None:
                change = self.changes[number]
                return self._open(ScopeRow.of(str(number), change.type, change))
            case "close" if row:
                del self.rows[key]
            case "remove" if 0 <= number < len(self.changes):
                self.rows.pop(key, None)
                self._remove(self.removed | {number})
            case "restore":
                self._remove(self.removed - {number})
            case "add-parameter" if row:
                if self.size + 6 > MAX_FIELDS:
                    return TOO_MANY
                row.add_parameter()
            case "drop-parameter" if row and index.isascii() and index.isdecimal():
                row.drop_parameter(int(index[:4]))
        self._read_configuration()
        return ""

    def _open(self, row: ScopeRow) -> str:
        if self.size + row.size > MAX_FIELDS:
            return TOO_MANY
        self.rows[row.key] = row
        self._read_configuration()
        return ""

    # --- the result ---
    def documents(self) -> list[dict[str, Any]] | None:
        """Return the changes that the form describes; None if a field is invalid."""
        documents: dict[str, dict[str, Any] | None] = {}
        for number, recorded in enumerate(self.contract.proposed_changes):
            if number not in self.removed:
                row = self.rows.get(str(number))
                documents[str(number)] = row.document() if row else recorded
        for row in self.added:
            documents[row.key] = row.document()
        self._keys = list(documents)
        found = [document for document in documents.values() if document is not None]
        return None if self.removed_error or len(found) < len(documents) else found

    def take_faults(self, faults: Sequence[Mapping[str, str]]) -> None:
        """Attach the errors of a refusal to their fields; the others go to the top of the form."""
        for fault in faults:
            path, message = fault["path"], fault["message"]
            found = _FAULT.fullmatch(path)
            index = int(found[1]) if found else -1
            row = self.rows.get(self._keys[index]) if 0 <= index < len(self._keys) else None
            if path == "reason":
                self.reason_error = message
            elif row and found:
                row.take_fault(found[2], message)
            elif found and index < len(self._keys):
                self.faults.append(f"Step {int(self._keys[index]) + 1}{found[2]}: {message}")
            else:
                self.faults.append(
                    message if path in ("", "proposed_changes") else f"{path}: {message}"
                )

    @property
    def removed_words(self) -> list[Sentence]:
        return [self.changes[number].sentence() for number in sorted(self.removed)]

    def _row_named(self, key: str, kind: str) -> ScopeRow | None:
        if _NEW.fullmatch(key):
            return ScopeRow.of(key, kind) if kind in KIND_WORDS else None
        if not (
            key.isascii() and key.isdecimal() and len(key) < 6 and int(key) < len(self.changes)
        ):
            return None
        change = self.changes[int(key)]
        return ScopeRow.of(str(int(key)), change.type, change)

    def _read_configuration(self) -> None:
        updates = [row for row in self.rows.values() if row.kind == "configuration_update"]
        if updates:
            configuration = configuration_of({row.setting[0] for row in updates})
            for row in updates:
                row.configuration = configuration

    def _read_removed(self) -> None:
        parts = [part.strip() for part in re.split(r"[,;\n]", self.removed_typed) if part.strip()]
        for part in parts[:MAX_RANGES]:
            found = _RANGE.fullmatch(part)
            first, last = (int(found[1]) - 1, int(found[2] or found[1]) - 1) if found else (-1, -1)
            if not 0 <= first <= last < len(self.changes):
                self.removed_error = (
                    f"“{part[:40]}” is neither a step nor a range of steps, such as 3, 10-19; "
                    f"the last step is {len(self.changes)}"
                )
                return
            self.removed |= set(range(first, last + 1))

    def _remove(self, numbers: set[int]) -> None:
        if not self.removed_error:
            self.removed = numbers
            self.removed_typed = in_ranges(numbers)


TOO_MANY = (
    "So many fields cannot be sent at once. Undo the edits that you do not need; removed steps "
    "stay removed."
)


def in_ranges(numbers: set[int]) -> str:
    """Format step indexes as ranges that count from 1: `{0, 1, 2, 6}` is `1-3, 7`."""
    runs: list[list[int]] = []
    for number in sorted(number + 1 for number in numbers):
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)
