"""The types of what the product uses of django-fsm-2, which has none of its own."""

from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar

from django.db import models

P = ParamSpec("P")
R = TypeVar("R")

class TransitionNotAllowed(Exception): ...
class ConcurrentTransitionMixin: ...  # only the first migration names it
class FSMField(models.CharField[Any, Any]): ...

def transition(
    field: str,
    source: str | Sequence[str] = ...,
    target: str | None = ...,
    on_error: str | None = ...,
    conditions: Sequence[Callable[[Any], bool]] = ...,
    permission: Any = ...,
    custom: dict[str, Any] = ...,
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
