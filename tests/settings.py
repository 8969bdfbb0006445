"""The site's settings, on a PostgreSQL of the suite's own where the embedded one is used."""

from govsite.databases import read_search_path
from govsite.settings import *  # noqa: F403
from govsite.settings import DATABASES, GOVSITE, GOVSITE_DATA_DIR, GOVSITE_SCHEMA, STATIC_ROOT

IS_EMBEDDED = DATABASES["default"]["ENGINE"] == "govsite.embedded"

if IS_EMBEDDED:
    # Apart from the developer's data: the suite's server need not survive a power cut.
    for database in DATABASES.values():
        database["HOST"] = str(GOVSITE_DATA_DIR / "test-pg")

# The suite's sessions are the owner's, who puts on the application's role and can take it off
# again to attack as an owner: tests/support/roles.py.
options = {"options": read_search_path(GOVSITE_SCHEMA)}
DATABASES.setdefault("owner", DATABASES["default"] | {"CONN_MAX_AGE": None, "OPTIONS": options})
for part in ("USER", "PASSWORD"):
    DATABASES["default"][part] = DATABASES["owner"].get(part, "")

# The developer's own site may have routes and health rules.
GOVSITE_EXECUTION_FILE = ""
GOVSITE_PROMETHEUS_FILE = ""

# Whitenoise warns about a folder that is not there.
STATIC_ROOT.mkdir(parents=True, exist_ok=True)

# Whitenoise looks for a file when it is asked for one; otherwise every test client that is made
# would first list all of them.
WHITENOISE_AUTOREFRESH = True

# A test is no client that takes too much.
GOVSITE |= {"API_READS_PER_MINUTE": 0, "API_WRITES_PER_MINUTE": 0}
GOVSITE["HEALTH_PROVIDER"] = "governance.authorities.health.readings.SignalHealthProvider"

# Most tests give verdicts themselves; those of the site's own auditor say `inside`.
GOVSITE |= {"AUDITOR": "outside"}

# The site's hasher takes a third of a second for each password, on purpose.
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.MD5PasswordHasher",
    # The one of the site, for a password that a process of the site checks.
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
