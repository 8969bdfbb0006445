"""The output of the token commands: a token as a line, as JSON, and its text when it is new."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from governance.domain.canonical import timestamp
from governance.management.base import GovernanceCommand
from governance.management.values import printable
from governance.models import ApiToken
from governance.services.registry.queries import unknown_capabilities


def add_token_argument(parser: ArgumentParser) -> None:
    """Add the argument `token`, which `find_token` understands."""
    parser.add_argument(
        "token",
        metavar="TOKEN",
        help="The token: its id or its first characters, as list_api_tokens prints them.",
    )


def token_document(token: ApiToken, *, at: datetime) -> dict[str, Any]:
    """Return the public data of a token as JSON values: neither its text nor its digest."""
    return {
        "id": str(token.pk),
        "begins_with": token.beginning.rstrip("…"),
        "name": token.name,
        "user": token.user.get_username(),
        "verbs": token.verbs,
        "capabilities": token.capabilities,
        "state": str(token.state_at(at)),
        "created_at": timestamp(token.created),
        "expires_at": timestamp(token.expiry),
        "last_used_at": timestamp(token.last_used_at),
        "revoked_at": timestamp(token.revoked_at),
        "revoked_reason": token.revoked_reason,
        "rotated_from": str(token.rotated_from_id) if token.rotated_from_id else None,
    }


def token_line(token: ApiToken, *, at: datetime) -> str:
    """Return a token as one line for people."""
    end = f"until {_short(token.expiry)}" if token.expiry else "without end"
    if token.revoked_at:
        end = f"revoked {_short(token.revoked_at)}"
    used = f"used {_short(token.last_used_at)}" if token.last_used_at else "never used"
    parts = [
        str(token.pk),
        token.beginning,
        str(token.state_at(at)),
        token.user.get_username(),
        *([f'"{token.name}"'] if token.name else []),
        f"verbs: {_words(token.verbs, 'all of its account')}",
        f"capabilities: {_words(token.capabilities, 'all')}",
        end,
        used,
    ]
    return "  ".join(map(printable, parts))


def report_new_token(command: GovernanceCommand, token: ApiToken, text: str, **also: Any) -> None:
    """Print a new token: its text on standard output, a remark on standard error.

    Args:
        text: The secret, which is printed this once.
        also: Further fields of the JSON document.
    """
    document = {
        "id": str(token.pk),
        "user": token.user.get_username(),
        "name": token.name,
        **also,
        "verbs": token.verbs,
        "capabilities": token.capabilities,
        "token": text,
        "expires_at": timestamp(token.expiry),
    }
    command.report(document, text)
    if not command.as_json:
        role = f" ({also['role']})" if "role" in also else ""
        command.note(
            f"{token.user}{role}, until {_short(token.expiry)} UTC. It is not shown again."
        )
    if unknown := unknown_capabilities(token.capabilities or ()):
        command.note(f"Not in the registry yet: {printable(', '.join(unknown))}.")


def _words(names: Sequence[str] | None, all_of_them: str) -> str:
    return all_of_them if names is None else ", ".join(names)


def _short(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else "never"
