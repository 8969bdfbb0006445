"""Take the screenshots of the documentation: `python -m tests.browser.docs_screenshots`.

It writes six small pictures of the demo to `docs/images/desk-*.png`. Commit the ones that changed.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import django

MAX_BYTES = 400_000


def main() -> int:
    """Take the pictures; return 1 if they are too large, incomplete, or a page had an error."""
    # These imports need `django.setup()` first.

    from governance.demo.load_demo import load_demo
    from governance.models import Account
    from tests.browser import chromium, desk
    from tests.browser.screens import SCREENS, add_screen_records
    from tests.support.commands import ROOT
    from tests.support.databases import cloned, ensure_template
    from tests.support.sites import running_site

    laptop: dict[str, Any] = desk.LAPTOP | {"device_scale_factor": 0.6}
    shown = {
        "home": laptop,
        "queue": laptop,
        "contract": laptop,
        "approve": desk.PHONE,
        "job-running": desk.PHONE,
        "ledger": laptop,
    }
    made: list[Path] = []
    complaints: list[str] = []
    with cloned(ensure_template()):
        load_demo()
        add_screen_records()
        founder = Account.objects.get(username="founder")
        with running_site() as address, chromium.running_chromium() as browser:
            for screen in SCREENS:
                if screen.name not in shown:
                    continue
                size = shown[screen.name] | desk.LIGHT
                with desk.signed_in_page(browser, address, founder, complaints, **size) as page:
                    page.goto(screen.address())
                    made.append(ROOT / "docs" / "images" / f"desk-{screen.name}.png")
                    page.screenshot(path=made[-1], animations="disabled")
    total = sum(path.stat().st_size for path in made)
    for path in made:
        print(f"{path.stat().st_size:>8} {path.relative_to(ROOT)}")  # noqa: T201
    print(f"{total:>8} bytes of {MAX_BYTES} at most")  # noqa: T201
    for words in complaints:
        print(words, file=sys.stderr)  # noqa: T201
    return int(total > MAX_BYTES or bool(complaints) or len(made) != len(shown))


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()
    sys.exit(main())
