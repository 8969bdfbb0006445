"""The format of log lines: what somebody wrote can neither hide in one nor imitate one."""

from __future__ import annotations

import logging
from typing import Any

from governance.domain.visible_text import visible_text


class VisibleFormatter(logging.Formatter):
    """A formatter that writes what does not print as a mark, and each message on one line."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        record.message = visible_text(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        lines = super().formatException(ei).split("\n")
        return "\n".join(visible_text(line.lstrip(" "), begins=False) for line in lines)
