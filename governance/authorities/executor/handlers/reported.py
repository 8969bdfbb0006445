"""What surrounds a handler: secrets are resolved before it, and hidden and cut after it."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from governance.authorities.executor.options import OptionTable
from governance.authorities.executor.performing import text_of
from governance.authorities.executor.routed_handlers import HandlerFactory
from governance.authorities.executor.secret_files import SecretFiles, StepSecrets
from governance.authorities.executor.steps import (
    HandlerFault,
    Step,
    StepHandler,
    StepOutcome,
    StepRefused,
)
from governance.domain.texts import cut_text

MAX_TEXT_LENGTH = 10_000
MAX_STATE_BYTES = 256 * 1024


class ReportedHandler:
    """A handler whose report is safe to record: without secrets, and of a limited size.

    The handler gets the step with the secrets that its change refers to, unless it has
    `resolves_secrets = False`: then it gets the references.
    """

    def __init__(self, handler: StepHandler, files: SecretFiles) -> None:
        self._handler = handler
        self._files = files

    @property
    def step_types(self) -> Collection[str]:
        return self._handler.step_types

    def run_step(self, step: Step) -> StepOutcome:
        """Let the handler perform the step.

        Raises:
            StepRefused: the target refused the step.
            HandlerFault: the handler raised any other exception, which its message names.
        """
        secrets = StepSecrets(self._files)
        try:
            if getattr(self._handler, "resolves_secrets", True):
                step = replace(step, change=secrets.resolve(step.change))
            outcome = self._handler.run_step(step)
        except StepRefused as refusal:
            reason = _cut(secrets.hide(text_of(refusal)))
            done = _reported(refusal.outcome, secrets) if refusal.outcome else None
            # `from None`: a log of the first exception would show the secret.
            raise StepRefused(reason, outcome=done) from None
        except HandlerFault as fault:
            raise HandlerFault(_cut(secrets.hide(str(fault)))) from None
        except Exception as error:  # noqa: BLE001 - any other exception is a fault
            words = f"{type(error).__name__}: {text_of(error)}"
            raise HandlerFault(_cut(secrets.hide(words))) from None
        return _reported(outcome, secrets) if isinstance(outcome, StepOutcome) else outcome


def reported(factory: HandlerFactory) -> HandlerFactory:
    """Return a factory whose handlers report without secrets, and of a limited size."""

    def make(options: OptionTable, secrets: SecretFiles) -> StepHandler:
        return ReportedHandler(factory(options, secrets), secrets)

    return make


def _reported(outcome: StepOutcome, secrets: StepSecrets) -> StepOutcome:
    shown = secrets.hide(outcome.output())
    return StepOutcome(
        did=_cut_texts(shown["did"]),
        state_before=_limited(shown["state_before"]),
        state_after=_limited(shown["state_after"]),
        rollback_action=shown["rollback_action"],
    )


def _cut(text: str) -> str:
    """Return a text of at most 10 000 characters, without NUL."""
    text = text.replace("\x00", "\ufffd")
    return cut_text(text, MAX_TEXT_LENGTH)


def _cut_texts(value: Any) -> Any:
    return _cut(value) if isinstance(value, str) else _limited(value)


def _limited(state: Any) -> Any:
    """Return a state; in place of one that is larger than 256 KiB, that it is left out."""
    size = len(json.dumps(state, ensure_ascii=False, default=str).encode("utf-8", "replace"))
    return state if size <= MAX_STATE_BYTES else {"left_out": f"{size} bytes, more than 256 KiB"}
