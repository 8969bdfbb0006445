"""Calls that will go: they say so in every answer, long before they do (docs/api.md, Versions)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.utils.http import http_date

Action = TypeVar("Action", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Deprecation:
    """Since when a call is deprecated, when it goes, and where the way on from it is told."""

    since: datetime
    sunset: datetime
    link: str

    def headers(self) -> Mapping[str, str]:
        """`Deprecation` (RFC 9745), `Sunset` (RFC 8594) and a `Link` for both."""
        return {
            "Deprecation": f"@{int(self.since.timestamp())}",
            "Sunset": http_date(self.sunset.timestamp()),
            "Link": f'<{self.link}>; rel="deprecation", <{self.link}>; rel="sunset"',
        }


def deprecated(*, since: datetime, sunset: datetime, link: str) -> Callable[[Action], Action]:
    """Decorate an action that will go at `sunset`; the schema marks it as deprecated too.

    Raises ValueError for a sunset that is not after `since`: nobody could prepare for it.
    """
    if sunset <= since:
        raise ValueError("A call goes after it is deprecated, not before.")

    def decorate(action: Action) -> Action:
        action.deprecation = Deprecation(since, sunset, link)  # type: ignore[attr-defined]
        return action

    return decorate


def deprecation_of(view: Any) -> Deprecation | None:
    """The deprecation of the action that a view carries out, if it has one."""
    return getattr(getattr(view, str(view.action), None), "deprecation", None)
