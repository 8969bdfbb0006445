"""ApiToken: the credential of a service account at the API, stored as a hash only."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone

from governance.domain.tokens import TOKEN_DIGEST_LENGTH, TOKEN_KEY_LENGTH
from governance.domain.values import TokenState
from governance.models.fields import account_key, id_field, names_field, one_to_one_field


class ApiToken(models.Model):
    """A token of a service account, with a scope of verbs and capabilities.

    The scope never changes. Later writes only set the time of use, an earlier `expiry`, or a
    revocation, which is final (database guard `token_grant_immutable`). Only
    `services/access/tokens.py` writes it.
    """

    id = id_field()
    # SHA-512 of the text. Not the primary key, because primary keys appear in URLs and logs.
    digest = models.CharField(max_length=TOKEN_DIGEST_LENGTH)
    token_key = models.CharField(max_length=TOKEN_KEY_LENGTH, db_index=True)
    user = account_key()
    created = models.DateTimeField(default=timezone.now)
    expiry = models.DateTimeField(null=True)
    name = models.CharField(max_length=100, blank=True)
    # Codenames of permissions; null is all permissions of the account.
    verbs = names_field(max_length=100, null=True)
    # Null is every capability and SYSTEM. A list reaches SYSTEM only if it names SYSTEM.
    capabilities = names_field(null=True)
    issued_by = account_key(null=True)
    rotated_from = one_to_one_field("self", null=True, related_name="successor", editable=False)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    revoked_by = account_key(null=True)
    revoked_reason = models.TextField(blank=True)

    class Meta:
        verbose_name = "API token"
        ordering = ["-created", "-id"]
        # Only superusers view and issue tokens (governance/admin/tokens.py).
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
        """Return the first characters of the token's text, by which a person recognises it."""
        return f"{self.token_key[:8]}…"

    def state_at(self, at: datetime) -> TokenState:
        if self.revoked_at is not None:
            return TokenState.REVOKED
        if self.expiry is not None and self.expiry <= at:
            return TokenState.EXPIRED
        return TokenState.LIVE
