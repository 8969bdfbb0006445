"""The embedded PostgreSQL: a server without installation, for development and tests only.

`base.py` is the Django backend that the settings use without a DATABASE_URL; `server.py` starts and
stops its server.
"""

OWNER = "postgres"
# The role of the application: it owns nothing, and has only the rights of `grant_app_role`.
APP_ROLE = "govsite_app"

# What `run_dev` passes to `dev_settings.py`: the data folder, if the site uses the embedded
# PostgreSQL, and what to print when the site listens.
EMBEDDED_DATA = "GOVSITE_EMBEDDED_DATA"
READY_MESSAGE = "GOVSITE_READY_MESSAGE"
