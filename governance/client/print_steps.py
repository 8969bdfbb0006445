"""A handler for trials, which changes nothing."""

from __future__ import annotations

import sys

from governance.authorities.executor.steps import Step, StepOutcome


class PrintSteps:
    """A handler for trials: it prints each step and changes nothing, and its evidence says so."""

    step_types = (
        "capability_enable",
        "capability_disable",
        "configuration_update",
        "parameter_change",
    )

    def run_step(self, step: Step) -> StepOutcome:
        sys.stderr.write(f"would do {step.step_type} on {step.target}: {dict(step.change)}\n")
        return StepOutcome(
            did={"nothing": "This was a dry run."}, rollback_action=step.rollback_action
        )
