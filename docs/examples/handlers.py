"""A handler for trying, and a pattern for yours: its platform is a JSON file."""

import json
import os
from pathlib import Path

from governance.client import Step, StepFailed, StepOutcome

FILE = Path(os.environ.get("PLATFORM_FILE", "platform.json"))


class PlatformFile:
    """Keeps {capability: {"lifecycle": …, key: value}} as the steps say."""

    step_types = ("capability_enable", "configuration_update")

    def run_step(self, step: Step) -> StepOutcome:
        platform = json.loads(FILE.read_text())
        place = platform.setdefault(step.target, {})
        if step.step_type == "capability_enable":
            key, value = "lifecycle", step.change["target_lifecycle"]
        else:
            key, value = step.change["key"], step.change["new_value"]
            if place.get(key) != step.change["old_value"]:
                raise StepFailed(f"{key} is {place.get(key)!r}, not what the founder saw.")
        before, place[key] = place.get(key), value
        draft = FILE.with_suffix(".draft")
        draft.write_text(json.dumps(platform, indent=2))
        draft.replace(FILE)  # all of it or nothing, however we end
        return StepOutcome(
            did=f"{key} of {step.target} set",
            state_before={key: before},
            state_after={key: value},
            rollback_action=step.rollback_action,
        )
