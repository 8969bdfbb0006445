"""The Django settings, read from the environment and safe by default (docs/settings.md)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.urls import reverse_lazy

from governance.domain.values import Source
from governance.domain.verdicts import ISSUE_TYPES
from govsite.api_settings import REST_FRAMEWORK, SPECTACULAR_SETTINGS  # noqa: F401 - of Django
from govsite.databases import (
    read_databases,
    read_search_path,
    read_session_options,
    read_worker_database,
)
from govsite.environment import (
    read_approvals_required,
    read_choice,
    read_choices,
    read_execution_file,
    read_flag,
    read_fraction,
    read_list,
    read_number,
    read_schema,
    read_secret_key,
)

BASE_DIR = Path(__file__).resolve().parent.parent


GOVSITE_DATA_DIR = (
    Path(os.environ.get("GOVSITE_DATA_DIR") or BASE_DIR / "var").expanduser().resolve()
)

# --- access to the site -------------------------------------------------------------------------
DEBUG = read_flag("DEBUG", False)
SECRET_KEY = read_secret_key(GOVSITE_DATA_DIR)
ALLOWED_HOSTS = read_list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = read_list("CSRF_TRUSTED_ORIGINS", [])

# Off only for plain HTTP on the own machine, because cookies are then sent unencrypted.
GOVSITE_HTTPS = read_flag("GOVSITE_HTTPS", True)
SESSION_COOKIE_SECURE = GOVSITE_HTTPS
CSRF_COOKIE_SECURE = GOVSITE_HTTPS
SECURE_SSL_REDIRECT = GOVSITE_HTTPS
SECURE_HSTS_SECONDS = read_number("GOVSITE_HSTS_SECONDS", 3600) if GOVSITE_HTTPS else 0
# These two bind all subdomains of a domain for years, so they are off unless the owner of the
# domain sets them, and Django's warnings about them are silenced.
SECURE_HSTS_INCLUDE_SUBDOMAINS = read_flag("GOVSITE_HSTS_INCLUDE_SUBDOMAINS", False)
SECURE_HSTS_PRELOAD = read_flag("GOVSITE_HSTS_PRELOAD", False)
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
if read_flag("GOVSITE_BEHIND_PROXY", False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 12 * 3600
X_FRAME_OPTIONS = "DENY"

# --- apps, middleware and database --------------------------------------------------------------
INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_fsm",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "procrastinate.contrib.django",
    "govsite.apps.GovernanceConfig",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "govsite.middleware.refuse_unreadable",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

# A form may be as large as the body of an API request; Django does not count files.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2**20

ROOT_URLCONF = "govsite.urls"
WSGI_APPLICATION = "govsite.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# The migrations are in the folder of the models.
MIGRATION_MODULES = {"governance": "governance.models.migrations"}

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "governance.admin.banner.banner",
            ],
            "builtins": ["governance.admin.visible_html"],
        },
    }
]

# The schema of all tables, functions and triggers of this site: one organisation is one schema.
GOVSITE_SCHEMA = read_schema("GOVSITE_SCHEMA", "public")
DATABASES = read_databases(
    GOVSITE_DATA_DIR,
    search_path=read_search_path(GOVSITE_SCHEMA),
    pool_size=read_number("GOVSITE_DB_POOL_SIZE", 0, maximum=1000),
    session=read_session_options(),
)

# The queue of the workers: its tasks are in a package of our own and not in a module `tasks`.
PROCRASTINATE_AUTODISCOVER_MODULE_NAME = ""
PROCRASTINATE_IMPORT_PATHS = ["governance.workers.tasks"]

# The direct connection on which a worker listens; None is that of the site.
GOVSITE_WORKER_DATABASE = read_worker_database(
    GOVSITE_DATA_DIR,
    search_path=read_search_path(GOVSITE_SCHEMA),
    session=read_session_options(),
)

AUTH_USER_MODEL = "governance.Account"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

LANGUAGE_CODE = "en-gb"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = GOVSITE_DATA_DIR / "static"
WHITENOISE_USE_FINDERS = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "govsite.logs.VisibleFormatter",
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {"governance": {"level": "INFO"}},
}

# --- the API ------------------------------------------------------------------------------------
# Event streams; govsite/gunicorn_settings.py sets how many a process accepts.
GOVSITE_STREAMS = {
    "POLL_MS": read_number("GOVSITE_STREAM_POLL_MS", 500, minimum=20, maximum=60_000),
    "HEARTBEAT_SECONDS": read_number(
        "GOVSITE_STREAM_HEARTBEAT_SECONDS", 15, minimum=1, maximum=300
    ),
    "SECONDS": read_number("GOVSITE_STREAM_SECONDS", 600, minimum=1, maximum=86_400),
}

# The cache only counts the requests of each token, for the throttles. Each process has its own
# cache; with a shared backend the processes count together.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    }
}

# --- the admin ----------------------------------------------------------------------------------
UNFOLD = {
    "SITE_TITLE": "govsite",
    "SITE_HEADER": "govsite",
    "SITE_SUBHEADER": "governed change",
    "SITE_SYMBOL": "gavel",
    "SITE_URL": None,
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SIDEBAR": {"navigation": "governance.admin.navigation.sidebar"},
    "STYLES": [
        "governance.admin.navigation.stylesheet",
        "governance.admin.navigation.desk_stylesheet",
        "governance.admin.navigation.inspect_stylesheet",
    ],
    "DASHBOARD_CALLBACK": "governance.admin.home.dashboard",
}
LOGIN_URL = reverse_lazy("admin:login")
LOGIN_REDIRECT_URL = reverse_lazy("admin:index")

# --- the record ---------------------------------------------------------------------------------
# The key signs checkpoints and exported evidence, and is generated on first use. Keep a copy of its
# public key elsewhere.
GOVSITE_LEDGER_SIGNING_KEY_FILE = (
    os.environ.get("GOVSITE_LEDGER_SIGNING_KEY_FILE") or GOVSITE_DATA_DIR / "ledger_key.pem"
)

# --- execution ----------------------------------------------------------------------------------
# The routes file, which says what serves which steps (docs/routes.md); without one, all steps are
# left to executors over HTTP. The folder has a file for each secret that a step or a route names.
GOVSITE_EXECUTION_FILE = read_execution_file(
    GOVSITE_DATA_DIR, is_embedded=DATABASES["default"]["ENGINE"] == "govsite.embedded"
)
GOVSITE_SECRETS_DIR = os.environ.get("GOVSITE_SECRETS_DIR", "")

# The health rules that are asked of Prometheus (docs/health.md).
GOVSITE_PROMETHEUS_FILE = os.environ.get("GOVSITE_PROMETHEUS_FILE", "")

# The folder into which a worker writes a checkpoint every hour; without it, it writes none.
GOVSITE_CHECKPOINTS_DIR = os.environ.get("GOVSITE_CHECKPOINTS_DIR", "")

# --- limits and policies ------------------------------------------------------------------------
GOVSITE: dict[str, Any] = {
    # The class that reads the platform's health (`HealthProvider` in its module `readings`).
    "HEALTH_PROVIDER": os.environ.get("GOVSITE_HEALTH_PROVIDER")
    or (
        "governance.authorities.health.prometheus_provider.PrometheusHealthProvider"
        if GOVSITE_PROMETHEUS_FILE
        else "governance.authorities.health.readings.SignalHealthProvider"
    ),
    "HEALTH_TIMEOUT_SECONDS": read_number(
        "GOVSITE_HEALTH_TIMEOUT_SECONDS", 5, minimum=1, maximum=60
    ),
    # How long an eligible contract waits for a founder before it expires.
    "REVIEW_TTL_HOURS": read_number("GOVSITE_REVIEW_TTL_HOURS", 168, minimum=1, maximum=24 * 365),
    # How often one token may read and write per minute, in each web process; 0 sets no limit.
    "API_READS_PER_MINUTE": read_number("GOVSITE_API_READS_PER_MINUTE", 6000),
    "API_WRITES_PER_MINUTE": read_number("GOVSITE_API_WRITES_PER_MINUTE", 3000),
    # What the rules of eligibility compare a report with (docs/eligibility.md).
    "ELIGIBILITY_MIN_CONFIDENCE": read_fraction("GOVSITE_ELIGIBILITY_MIN_CONFIDENCE", "0.30"),
    "ELIGIBILITY_CONFIDENCE": read_fraction("GOVSITE_ELIGIBILITY_CONFIDENCE", "0.70"),
    "ELIGIBILITY_SOURCES": read_choices(
        "GOVSITE_ELIGIBILITY_SOURCES",
        ["crm_feedback", "support_ticket", "ops_alert"],
        choices=[str(source) for source in Source],
    ),
    "ELIGIBILITY_TYPES": read_choices(
        "GOVSITE_ELIGIBILITY_TYPES",
        ["capability_request", "configuration_change", "bug_report"],
        choices=ISSUE_TYPES,
    ),
    "ELIGIBILITY_WINDOW_HOURS": read_number(
        "GOVSITE_ELIGIBILITY_WINDOW_HOURS", 24, maximum=24 * 365
    ),
    # How many founders must sign a contract, by its risk.
    "APPROVALS_REQUIRED": read_approvals_required("GOVSITE_APPROVALS_REQUIRED"),
    # The words by which a configuration key is a secret's.
    "SECRET_KEYS": read_list(
        "GOVSITE_SECRET_KEYS",
        ["password", "secret", "token", "credential", "private key", "api key"],
    ),
    # How far ahead an activation window may open.
    "MAX_LEAD_HOURS": read_number("GOVSITE_MAX_LEAD_HOURS", 720, minimum=1, maximum=24 * 365),
    # How long one change freeze may last; a constraint limits it to 168 hours.
    "MAX_FREEZE_HOURS": read_number("GOVSITE_MAX_FREEZE_HOURS", 168, minimum=1, maximum=168),
    # How often an operation is attempted in all when PostgreSQL rolls it back for another one.
    "TRANSACTION_ATTEMPTS": read_number("GOVSITE_TRANSACTION_ATTEMPTS", 5, minimum=1, maximum=100),
    # Who gives the verdicts: the auditor of this site, in its workers, or an auditor outside of it.
    "AUDITOR": read_choice("GOVSITE_AUDITOR", "inside", ["inside", "outside"]),
    # How long after an attempt without a conclusion the auditor makes its second one.
    "AUDIT_RETRY_SECONDS": read_number("GOVSITE_AUDIT_RETRY_SECONDS", 60, maximum=600),
    # How long one step may take before its executor counts as lost.
    "STEP_TIMEOUT_SECONDS": read_number(
        "GOVSITE_STEP_TIMEOUT_SECONDS", 300, minimum=1, maximum=86_400
    ),
    # How much longer than the step's timeout an executor may send no report.
    "LEASE_GRACE_SECONDS": read_number("GOVSITE_LEASE_GRACE_SECONDS", 60, maximum=86_400),
}
