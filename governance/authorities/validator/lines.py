"""Sort the lines of a body: prose, or what counts for nothing, such as code, logs and quotations.

Every pattern is matched at the beginning of a line and takes time in proportion to its length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum


class Aside(StrEnum):
    """Why a word counts for nothing."""

    CODE = "in code"
    LOG = "in a log line"
    QUOTED = "quoted"
    URL = "in a URL"
    LABEL = "in a label"
    FORM = "a form's own words"
    BOX = "in a box that is not ticked"
    NEGATED = "negated"
    ASKED = "asked about"
    CONDITION = "under a condition"
    STEP = "a step to reproduce"
    DOCUMENTATION = "to be documented"


_FENCE = re.compile(r"\s{0,12}(?:```[^`]*$|~~~)")
_INDENTED = re.compile(r"(?: {4}|\t)\s*\S")
_LIST_ITEM = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)])\s")
_LABEL = re.compile(
    r"\s*>?\s*/(?:area|assign|cc|committee|kind|label|language|lifecycle|milestone|priority|"
    r"remove-\w+|sig|triage|wg)\b"
)
_BOX = re.compile(r"\s*(?:[-*+]\s*)?\[\s{0,3}([^\]\s]{0,10})\s{0,3}\]\s*(?=\S)")
_HEADING = re.compile(r"\s*#{1,6}\s|\s*\*\*[^*]{1,300}\*\*:?\s*$")
_LOG = re.compile(
    r"""\s*(?:
        \[?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d      # 2026-11-02 09:00:00
      | [A-Z][a-z]{2}\s{1,2}\d{1,2}\s\d\d:\d\d:\d\d     # Nov  2 09:00:00
      | \[?\d\d:\d\d:\d\d[\].,\s]
      | [IWEF]\d{4}\s\d\d:\d\d:\d\d                      # the log of Kubernetes
      | \[?(?:INFO|WARN|WARNING|ERROR|DEBUG|TRACE|FATAL)[\]:\s(]
      | (?:time|level|ts)=\S
      | \d{1,6}\s\w+\.go:\d+
      | Traceback\s\(most\srecent | File\s".{1,200}",\sline\s\d
      | at\s[\w.$<>]{1,200}[(:] | goroutine\s\d
      | \$\s\S | \{"
      | \S+\s{3,}\S+\s{3,}\S                            # columns
    )""",
    re.VERBOSE,
)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)


def sorted_lines(body: str) -> Iterator[tuple[str, Aside | None, bool]]:
    """Yield each line with words in it, why it counts for nothing or None, and if it is a heading.

    A code block that is not closed ends with the body. A line of a list is never indented code.
    """
    if "<!--" in body:
        body = _COMMENT.sub("", body)
    in_code, after_blank = False, True
    for line in body.splitlines():
        if not line or line.isspace():
            after_blank = True
            continue
        was_after_blank, after_blank = after_blank, False
        if _FENCE.match(line):
            in_code = not in_code
            yield line, Aside.CODE, False
        elif in_code:
            yield line, Aside.LOG if _LOG.match(line) else Aside.CODE, False
        elif was_after_blank and _INDENTED.match(line) and not _LIST_ITEM.match(line):
            after_blank = True
            yield line, Aside.CODE, False
        else:
            yield _line_of_prose(line)


def _line_of_prose(line: str) -> tuple[str, Aside | None, bool]:
    first = line.lstrip()[:1]
    if first == ">" and not _LABEL.match(line):
        return line, Aside.QUOTED, False
    if first in "/>" and _LABEL.match(line):
        return line, Aside.LABEL, False
    if first in "#*" and _HEADING.match(line):
        return line, None, True
    if first in "[-*+" and (box := _BOX.match(line)):
        return line, None if box[1] else Aside.BOX, False
    return line, Aside.LOG if _LOG.match(line) else None, False
