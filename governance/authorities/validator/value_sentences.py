"""Sentences that set a value: "set max_pods of Kubelet to 250"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from governance.authorities.validator.analysis import ReportAnalysis
from governance.authorities.validator.change_readings import ChangeReading
from governance.authorities.validator.lines import sorted_lines
from governance.authorities.validator.name_index import NameIndex, compact
from governance.authorities.validator.report import Report
from governance.authorities.validator.words import STEPS_HEADING
from governance.domain.changes import Change, ConfigurationUpdate
from governance.domain.errors import InvalidInputError
from governance.domain.strict_json import require_plain_json
from governance.domain.values import SYSTEM_SCOPE

_VALUE = r"(?:\"[^\"]{1,200}\"|`[^`]{1,200}`|-?\d+(?:\.\d+)?\s?[A-Za-z%]{0,8}|[\w-]{1,100})"
_SET = re.compile(
    rf"""(?:please\s+|kindly\s+|(?:can|could|would)\s+you\s+(?:please\s+)?
        |(?:we|i)(?:'d|\s+would)\s+like\s+(?:you\s+)?to\s+|(?:we|i)\s+(?:want|need)\s+to\s+)?
      (?:set|change|raise|lower|increase|decrease|reduce)\s+(?:the\s+)?
      (?P<key>`[^`\s]{{1,200}}`|[\w.-]{{1,200}})
      (?:\s+(?:of|for|on|in)\s+(?:the\s+)?(?P<scope>`[^`\s]{{1,200}}`|[\w-]{{1,200}}))?
      (?:\s+from\s+(?P<old>{_VALUE}))?\s+to\s+(?P<new>{_VALUE})
      (?:\s+(?:please|now|thanks))?\s*[.!?]?\s*""",
    re.VERBOSE | re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_KEY = re.compile(r"\w[\w.-]*")
_KEY_SHAPE = re.compile(r"[A-Za-z]+[A-Z_\d.-]")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_WORDS = {"true": True, "false": False, "on": True, "off": False}
_PLAIN_WORDS = frozenset(("something", "anything", "more", "less", "it", "that", "this", "default"))


def value_readings(analysis: ReportAnalysis, *, registry: NameIndex) -> Iterator[ChangeReading]:
    """Yield a reading for each sentence that is nothing but a setting and its value."""
    for line in _lines_of_prose(analysis.report):
        for sentence in _SENTENCE_END.split(line):
            match = _SET.fullmatch(sentence.strip())
            if match:
                yield _reading(match, registry)


def _lines_of_prose(report: Report) -> Iterator[str]:
    """Yield the lines in which a report may ask for something, not its steps to reproduce."""
    yield from report.subject.splitlines()
    is_step = False
    for line, aside, is_heading in sorted_lines(report.body):
        if is_heading:
            is_step = bool(STEPS_HEADING.search(line))
        elif aside is None and not is_step:
            yield line


def _reading(match: re.Match[str], registry: NameIndex) -> ChangeReading:
    written = match[0]
    key, scope_words = _bare(match["key"]), match["scope"]
    new, old = _value(match["new"]), match["old"]
    if new is None or (old is not None and _value(old) is None):
        return ChangeReading(written, (), "The value is not clear.")
    scopes = registry.scopes_of_keys.get(key.casefold(), ())
    if scope_words is None:
        wanted = list(scopes)
    else:
        scope = _scope(_bare(scope_words), registry)
        wanted = [scope] if scope else []
    if not wanted:
        return ChangeReading(written, (), "It names no registered capability and not SYSTEM.")
    if not (set(wanted) & set(scopes)) and not _KEY_SHAPE.match(key):
        return ChangeReading(written, (), f"{key} is not a known key of {wanted[0]}.")
    changes = tuple(_update(scope, key, old, new) for scope in wanted)
    if len(changes) > 1:
        return ChangeReading(written, changes, f"{key} is a key of {', '.join(wanted)}.")
    return ChangeReading(written, changes)


def _update(scope: str, key: str, old: str | None, new: Any) -> Change:
    fields = {"type": "configuration_update", "scope": scope, "key": key, "new_value": new}
    if old is not None:
        fields["old_value"] = _value(old)
    return ConfigurationUpdate(**fields)


def _scope(written: str, registry: NameIndex) -> str | None:
    if written == SYSTEM_SCOPE:
        return SYSTEM_SCOPE
    name = registry.exact(written, compact(written))
    return name if name is not None and compact(name) == compact(written) else None


def _bare(text: str) -> str:
    return text.strip("`")


def _value(text: str) -> Any:
    """Return the number, the truth value or the text that is written; None if it is not clear."""
    if text[0] in '"`':
        return text[1:-1]
    if text.casefold() in _WORDS:
        return _WORDS[text.casefold()]
    if text.casefold() in _PLAIN_WORDS:
        return None
    if _NUMBER.fullmatch(text):
        return _plain_number(text)
    return text.strip()


def _plain_number(text: str) -> Any:
    number = float(text) if "." in text else int(text)
    try:
        require_plain_json(number, "value")
    except InvalidInputError:
        return None
    return number
