"""The site's settings, and beside its addresses the empty ones that calls are compared with."""

from govsite.settings import *  # noqa: F403

ROOT_URLCONF = "tests.benchmarks.urls"
