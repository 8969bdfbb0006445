"""The references of contracts: each is taken once, and the only writer of `TakenReference`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from governance.domain.errors import DuplicateContractError, ReferenceTakenError
from governance.domain.names import MAX_REFERENCE_LENGTH, name_key
from governance.models import ContractTombstone, SystemContract, TakenReference

REFERENCES_PER_QUERY = 20
REVISION, REPETITION, ROLLBACK = "rev", "again", "rollback"


def take_reference(contract: SystemContract) -> None:
    """Take the reference of a new contract, in the transaction that creates the contract.

    Raises:
        DuplicateContractError: the same proposal has the reference, or had it before it was
            archived and removed.
        ReferenceTakenError: another contract has the reference, or one that looks like it.
    """
    taken, is_new = TakenReference.objects.get_or_create(
        name_key=name_key(contract.reference),
        defaults={"reference": contract.reference, "contract_id": contract.pk},
    )
    if is_new:
        return
    same = {"reference": contract.reference, "proposal_digest": contract.proposal_digest}
    if any(rows.objects.filter(**same).exists() for rows in (SystemContract, ContractTombstone)):
        raise DuplicateContractError(f"This proposal is the contract {taken.contract_id} already.")
    likeness = (
        "" if taken.reference == contract.reference else f" looks like {taken.reference}, which"
    )
    raise ReferenceTakenError(
        f"The reference {contract.reference}{likeness} belongs to the contract "
        f"{taken.contract_id}. Another proposal needs another reference.",
        details={"contract_id": str(taken.contract_id), "reference": taken.reference},
    )


def free_references(reference: str, word: str) -> Iterator[str]:
    """Yield free references without end that continue `reference`: `REF (rev 2)`, …

    Args:
        word: what the suffix says: REVISION, REPETITION or ROLLBACK.
    """
    names = numbered_references(reference, word)
    while True:
        some = {name: name_key(name) for name in islice(names, REFERENCES_PER_QUERY)}
        found = TakenReference.objects.filter(pk__in=some.values()).values_list("pk", flat=True)
        taken = set(found)
        yield from (name for name, key in some.items() if key not in taken)


def numbered_references(reference: str, word: str) -> Iterator[str]:
    """Yield the next references without end: `REF (rev 2)`, `REF (rev 3)`, …

    A rollback is none of the contract that it undoes, so its numbers begin at 1.
    """
    numbered = re.compile(rf"(?P<base>.*\S) \({word} (?P<number>[1-9][0-9]{{0,5}})\)", re.DOTALL)
    found = numbered.fullmatch(reference)
    first = 0 if word == ROLLBACK else 1
    base, number = (found["base"], int(found["number"])) if found else (reference, first)
    while True:
        number += 1
        suffix = f" ({word} {number})"
        room = MAX_REFERENCE_LENGTH - len(suffix)
        yield (base if len(base) <= room else f"{base[: room - 1].rstrip()}…") + suffix
