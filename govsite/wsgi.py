"""The WSGI application; a web process shares a pool of database connections among its threads."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "govsite.settings")
os.environ.setdefault("DB_POOL_SIZE", "8")

application = get_wsgi_application()
