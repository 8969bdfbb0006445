"""The site's settings, on the benchmark's own database and with its empty calls beside ours."""

from govsite.settings import *  # noqa: F403
from govsite.settings import GOVSITE, STATIC_ROOT

ROOT_URLCONF = "tests.benchmarks.urls"

# A benchmark is no client that takes too much, and none of its executors is lost before its turn.
GOVSITE |= {
    "API_READS_PER_MINUTE": 0,
    "API_WRITES_PER_MINUTE": 0,
    "LEASE_GRACE_SECONDS": 3600,
}

# Whitenoise warns about a folder that is not there.
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
