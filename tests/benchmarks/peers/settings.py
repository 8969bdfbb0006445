"""Django settings for django-viewflow, with the same kind of connections as govsite's."""

from __future__ import annotations

from pathlib import Path

from govsite.databases import read_database

SECRET_KEY = "bench"
USE_TZ = True
GOVSITE_SCHEMA = "public"  # which govsite's database backend checks
DATABASES = {"default": read_database(Path("."), pool_size=0, variable="PEER_DATABASE_URL")}
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "viewflow",
    "viewflow.workflow",
    "tests.benchmarks.peers",
]
MIDDLEWARE: list[str] = []
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
