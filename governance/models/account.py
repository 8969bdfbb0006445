"""Account: a person who signs in, or a service with API tokens."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser


class Account(AbstractUser):
    """Django's user in a table of this app, because Django's own table has ids of 32 bits."""
