"""The site's settings with the middleware of `crash_points.py`."""

from govsite.settings import *  # noqa: F403
from govsite.settings import MIDDLEWARE

MIDDLEWARE = ["tests.stress.crash_points.CrashMiddleware", *MIDDLEWARE]
