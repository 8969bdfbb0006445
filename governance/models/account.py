"""Account: who may sign in, a person or a service."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser


class Account(AbstractUser):
    """Django's own user in a table of ours, so that its ids have 64 bits from the start."""
