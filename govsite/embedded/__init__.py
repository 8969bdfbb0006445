"""The embedded PostgreSQL: a database with nothing to install, for development and tests only.

`base.py` is the Django backend that settings name when there is no DATABASE_URL; `server.py`
starts and stops the server that it connects to.
"""

OWNER = "postgres"
# Under which the application runs: it owns nothing, and has the rights that `grant_app_role` gives.
APP_ROLE = "govsite_app"
