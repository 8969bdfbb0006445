"""The site's settings, on a PostgreSQL of the suite's own where the embedded one is used."""

from govsite.settings import *  # noqa: F403
from govsite.settings import DATA_DIR, DATABASES, STATIC_ROOT

IS_EMBEDDED = DATABASES["default"]["ENGINE"] == "govsite.embedded"

if IS_EMBEDDED:
    # Apart from the developer's data: the suite's server need not survive a power cut.
    DATABASES["default"]["HOST"] = str(DATA_DIR / "test-pg")

# Whitenoise warns about a folder that is not there.
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
