"""An API token's text, its hash, its scope, and the bounds of its lifetime.

Each `read_…` raises InvalidInputError with the name of the invalid field.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence

from governance.domain.errors import InvalidInputError
from governance.domain.names import refuse_similar, require_line, require_name

TOKEN_BYTES = 32
# Characters of a token's text that are stored to find it; far too few to guess the rest.
TOKEN_KEY_LENGTH = 15
TOKEN_DIGEST_LENGTH = 128
TOKEN_DAYS = range(1, 366)
DEFAULT_TOKEN_DAYS = 90
OVERLAP_HOURS = range(169)
DEFAULT_OVERLAP_HOURS = 24
MAX_NAME_LENGTH = 100
MAX_CAPABILITIES = 200

# The permissions that API calls require, by codename, with the label that people read.
TOKEN_VERBS: Mapping[str, str] = {
    "view_systemcontract": "Read contracts and change freezes",
    "view_ledgerentry": "Read ledgers",
    "view_configurationentry": "Read the registry",
    "view_governancejob": "Read jobs and their progress",
    "view_jobstep": "Read steps and their results",
    "view_auditevidence": "Read sealed evidence",
    "view_governanceaudit": "Read verdicts",
    "activate_contract": "Activate approved contracts",
    "execute_job": "Claim, start, report and complete jobs",
    "cancel_job": "Cancel jobs",
    "record_verdict": "Give verdicts",
}


def new_token_text() -> str:
    """Make a token's text: 64 hexadecimal digits from the system's random source."""
    return secrets.token_hex(TOKEN_BYTES)


def hash_token(text: str) -> str:
    """Return the stored hash of a token: the SHA-512 of its text, as 128 hexadecimal digits.

    The text has 256 random bits, so a slow password hash would add no protection.
    """
    return hashlib.sha512(text.encode()).hexdigest()


def read_name(name: str) -> str:
    """Check a token's name, which says what the token is for; it may be empty."""
    return require_line(name.strip(), "name", max_length=MAX_NAME_LENGTH, min_length=0)


def read_verbs(verbs: Sequence[str] | None) -> list[str] | None:
    """Check the verbs; return each once, in the order of `TOKEN_VERBS`.

    None stays None: such a token has all verbs of its account.
    """
    if verbs is None:
        return None
    if not verbs or not set(verbs) <= set(TOKEN_VERBS):
        raise InvalidInputError.at("verbs", f"must be some of {', '.join(TOKEN_VERBS)}")
    return [verb for verb in TOKEN_VERBS if verb in verbs]


def read_capabilities(names: Sequence[str] | None) -> list[str] | None:
    """Check the names of capabilities; return each once, sorted.

    None stays None: such a token reaches every capability, and SYSTEM.
    """
    if names is None:
        return None
    for name in names:
        require_name(name, "capabilities")
    refuse_similar([("capabilities", name) for name in names])
    if not 1 <= len(set(names)) <= MAX_CAPABILITIES:
        raise InvalidInputError.at("capabilities", f"must be 1 to {MAX_CAPABILITIES} names")
    return sorted(set(names))
