"""ApprovalSignature: a founder's approval of exactly the content and the page they read."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import F, Q

from governance.domain.canonical import sha256_hex, timestamp
from governance.domain.values import MAX_WINDOW, ActivationWindow
from governance.models.fields import account_key, contract_key, digest_field


class ApprovalSignature(models.Model):
    """A founder's signature on an ELIGIBLE contract; append-only (SIGN).

    `number` counts a contract's signatures from 1, in the order of their ledger entries. `view` is
    canonical JSON, exactly the text that `view_digest` hashes. `shown` is the page as plain text,
    so that a person can read later what was signed. `quorum` is the number of founders who had to
    sign. `activates_itself` says that the contract may be activated without a further hand once its
    window opens.
    """

    id = models.BigAutoField(primary_key=True)
    contract = contract_key(
        related_name="signatures",
        db_index=False,
    )
    number = models.PositiveIntegerField()
    founder = account_key()
    signed_at = models.DateTimeField()
    note = models.TextField(blank=True)
    window_opens_at = models.DateTimeField()
    window_closes_at = models.DateTimeField()
    content_digest = digest_field()
    view_digest = digest_field()
    view = models.TextField()
    shown = models.TextField()
    quorum = models.PositiveIntegerField()
    activates_itself = models.BooleanField(default=False, db_default=False)
    # That of the RollbackAuthorisation that the founder gave with the signature, if any.
    authorisation_sha256 = digest_field(null=True)

    class Meta:
        # The permission to view a contract includes its signatures.
        default_permissions = ()
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["contract", "number"], name="signature_numbered_once"),
            models.CheckConstraint(
                condition=Q(
                    window_closes_at__gt=F("window_opens_at"),
                    window_closes_at__gte=F("signed_at"),
                    window_closes_at__lte=F("window_opens_at") + MAX_WINDOW,
                ),
                name="signature_window_in_bounds",
            ),
            models.CheckConstraint(condition=Q(quorum__gte=1), name="signature_quorum_in_bounds"),
        ]

    def __str__(self) -> str:
        return f"Signature {self.number}"

    @property
    def window(self) -> ActivationWindow:
        return ActivationWindow(self.window_opens_at, self.window_closes_at)

    def as_record(self) -> dict[str, Any]:
        """Return the record whose digest the ledger contains; it has the texts as digests.

        A signature without `activates_itself` and without an authorisation has the record of an
        earlier version.
        """
        box: dict[str, Any] = {"activates_itself": True} if self.activates_itself else {}
        if self.authorisation_sha256:
            box["authorisation_sha256"] = self.authorisation_sha256
        return (
            self.as_sealed()
            | box
            | {
                "contract_id": str(self.contract_id),
                "note": self.note,
                "quorum": self.quorum,
            }
        )

    def as_sealed(self) -> dict[str, Any]:
        """Return the part of the record that the evidence of a job contains."""
        return {
            "number": self.number,
            "founder": self.founder_id,
            "signed_at": timestamp(self.signed_at),
            "window_opens_at": timestamp(self.window_opens_at),
            "window_closes_at": timestamp(self.window_closes_at),
            "content_digest": self.content_digest,
            "view_digest": self.view_digest,
            "shown_sha256": sha256_hex(self.shown),
        }
