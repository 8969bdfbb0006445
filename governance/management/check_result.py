"""What a check of `doctor` found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One thing that is well or wrong, in one sentence, with the command that mends it."""

    is_ok: bool
    words: str
    remedy: str = ""

    @classmethod
    def well(cls, words: str) -> CheckResult:
        return cls(True, words)

    @classmethod
    def wrong(cls, words: str, *, remedy: str) -> CheckResult:
        return cls(False, words, remedy)
