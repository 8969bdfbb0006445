"""ApiToken: what a service account shows at the API's door; only its hash is kept."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone

from governance.domain.tokens import TOKEN_DIGEST_LENGTH, TOKEN_KEY_LENGTH
from governance.domain.values import TokenState
from governance.models.fields import IdField, KeptOneToOneField, NamesField, user_field


class ApiToken(models.Model):
    """A token of a service account, narrowed to verbs and capabilities.

    What it may do is written once; after that it is only used, and ended: its `expiry` may come
    sooner, and a revocation stays (law `token_grant_immutable`). `services/access/tokens.py` alone
    writes it.
    """

    id = IdField()
    # SHA-512 of the text. It is no key: keys appear in addresses and logs.
    digest = models.CharField(max_length=TOKEN_DIGEST_LENGTH)
    token_key = models.CharField(max_length=TOKEN_KEY_LENGTH, db_index=True)
    user = user_field()
    created = models.DateTimeField(default=timezone.now)
    expiry = models.DateTimeField(null=True)
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
                condition=Q(verbs=None) | ~Q(verbs=[]), name="token_verbs_not_empty"
            ),
            models.CheckConstraint(
                condition=Q(capabilities=None) | ~Q(capabilities=[]),
                name="token_capabilities_not_empty",
            ),
            models.CheckConstraint(
                condition=Q(revoked_at=None, revoked_by=None, revoked_reason="")
                | Q(revoked_at__isnull=False, revoked_by__isnull=False),
                name="token_revocation_complete",
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
