"""The WSGI application, whose threads share a pool of database connections."""

import os

from django.core.wsgi import get_wsgi_application

from govsite.middleware import refuse_other_charsets

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "govsite.settings")
os.environ.setdefault("GOVSITE_DB_POOL_SIZE", "8")

application = refuse_other_charsets(get_wsgi_application())
