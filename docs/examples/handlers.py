"""An example handler to try and to copy: its platform is a JSON file."""

import json
import os
from pathlib import Path

from governance.client import Step, StepOutcome, StepRefused

FILE = Path(os.environ.get("PLATFORM_FILE", "platform.json"))


class PlatformFile:
    """Apply steps to a file that holds {capability: {"lifecycle": …, key: value}}."""

    step_types = ("capability_enable", "configuration_update")

    def run_step(self, step: Step) -> StepOutcome:
        platform = json.loads(FILE.read_text())
        settings = platform.setdefault(step.target, {})
        if step.step_type == "capability_enable":
            key, value = "lifecycle", step.change["target_lifecycle"]
        else:
            key, value = step.change["key"], step.change["new_value"]
            if settings.get(key) != step.change["old_value"]:
                raise StepRefused(f"{key} is {settings.get(key)!r}, not what the founder saw.")
        before, settings[key] = settings.get(key), value
        draft = FILE.with_suffix(".draft")
        draft.write_text(json.dumps(platform, indent=2))
        draft.replace(FILE)  # atomic: the file is never half written
        return StepOutcome(
            did=f"{key} of {step.target} set",
            state_before={key: before},
            state_after={key: value},
            rollback_action=step.rollback_action,
        )
