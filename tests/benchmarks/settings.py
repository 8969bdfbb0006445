"""The site's settings for the benchmark, with the empty calls of `urls.py`."""

from govsite.settings import *  # noqa: F403
from govsite.settings import GOVSITE, STATIC_ROOT

ROOT_URLCONF = "tests.benchmarks.urls"

# Without rate limits, and with a long lease, because a job may wait for a later round.
GOVSITE |= {
    "API_READS_PER_MINUTE": 0,
    "API_WRITES_PER_MINUTE": 0,
    "LEASE_GRACE_SECONDS": 3600,
    # The parts give verdicts themselves, where they measure them.
    "AUDITOR": "outside",
}

# Whitenoise warns if this folder is missing.
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
