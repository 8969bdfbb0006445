"""The site's settings, for a site that dies where a request asks it to: see `mortal.py`."""

from govsite.settings import *  # noqa: F403
from govsite.settings import MIDDLEWARE

MIDDLEWARE = ["tests.stress.crash_points.CrashMiddleware", *MIDDLEWARE]
