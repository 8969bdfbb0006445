"""ApiToken: what a service account shows at the API's door; only its hash is kept."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone
from knox.models import AbstractAuthToken
from knox.settings import CONSTANTS

from governance.models.fields import IdField, KeptOneToOneField, NamesField, user_field
from governance.vocabulary.values import TokenState


class ApiToken(AbstractAuthToken):
    """knox's token (`settings.KNOX_TOKEN_MODEL`), narrowed to verbs and capabilities.

    What it may do is written once; after that it is only used, and ended: its `expiry` may come
    sooner, and a revocation stays (law `token_only_ends`). `flows/tokens.py` alone writes it.
    """

    # Not the digest, which knox has as the key: it would stand in addresses and logs.
    id = IdField()
    digest = models.CharField(max_length=CONSTANTS.DIGEST_LENGTH)
    user = user_field()
    created = models.DateTimeField(default=timezone.now)
    name = models.CharField(max_length=100, blank=True)
    # Codenames of permissions; null: all that the account may do.
    verbs = NamesField(max_length=100, null=True)
    # Null: contracts of every capability, SYSTEM too. It has to be named like any other.
    capabilities = NamesField(null=True)
    issued_by = user_field(null=True)
    rotated_from = KeptOneToOneField("self", null=True, related_name="successor", editable=False)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    revoked_by = user_field(null=True)
    revoked_reason = models.TextField(blank=True)

    class Meta:
        verbose_name = "API token"
        ordering = ["-created", "-id"]
        # Superusers alone see and hand out tokens (governance/admin/tokens.py).
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["digest"], name="token_digest_once"),
            models.CheckConstraint(
                condition=Q(verbs=None) | ~Q(verbs=[]), name="token_may_something"
            ),
            models.CheckConstraint(
                condition=Q(capabilities=None) | ~Q(capabilities=[]),
                name="token_reaches_something",
            ),
            models.CheckConstraint(
                condition=Q(revoked_at=None, revoked_by=None, revoked_reason="")
                | Q(revoked_at__isnull=False, revoked_by__isnull=False),
                name="token_revoked_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name or self.beginning} ({self.user})"

    @property
    def beginning(self) -> str:
        """Enough of its text to know it by, and far too little to use it."""
        return f"{self.token_key[:8]}…"

    def state_at(self, at: datetime) -> TokenState:
        if self.revoked_at is not None:
            return TokenState.REVOKED
        if self.expiry is not None and self.expiry <= at:
            return TokenState.EXPIRED
        return TokenState.LIVE
