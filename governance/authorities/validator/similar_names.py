"""Find the names that are most similar to a misspelt word, without comparing it with every name.

An error in a word changes at most three of its pairs of letters. So a name with few errors shares
most pairs with the word. For each pair of letters there is one large integer, a bit of which stands
for one name; adding up these integers counts the shared pairs of all names at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

from rapidfuzz.distance import DamerauLevenshtein

MAX_DISTANCE_PERCENT = 15  # errors in a hundred letters: a similarity of 0.85 and above
MIN_CHARACTERS = 7  # one error in a shorter name makes it less similar than 0.85
MAX_COMPARED = 500  # names; a word that shares its letters with more of them is like none

_PAIRS_PER_ERROR = 3  # two letters that changed places are in three pairs
_LENGTHS_TOGETHER = 4
_FEW = 16  # names that are compared at once rather than counted


class SimilarNames:
    """An index of names by their pairs of letters; each part is built when it is first needed."""

    def __init__(self, keys: Iterable[tuple[str, str]]) -> None:
        """Index names.

        Args:
            keys: pairs of a name without case and separators, and the name.
        """
        self._keys: dict[int, list[tuple[str, str]]] = {}
        for key, name in keys:
            self._keys.setdefault(len(key) // _LENGTHS_TOGETHER, []).append((key, name))
        self._parts: dict[int, _NamesOfLength] = {}

    def nearest(self, key: str) -> tuple[list[str], float]:
        """Return the names that are most similar to a word, sorted, and how similar they are.

        There are none with more than `MAX_DISTANCE_PERCENT` errors.
        """
        shortest, longest = -(-len(key) * 85 // 100), len(key) * 100 // 85
        errors = longest * MAX_DISTANCE_PERCENT // 100
        pairs = _pairs(key)
        best, names = 0.0, set[str]()
        for number in range(shortest // _LENGTHS_TOGETHER, longest // _LENGTHS_TOGETHER + 1):
            for other, name in self._candidates(number, pairs, errors):
                distance = DamerauLevenshtein.distance(key, other)
                length = max(len(key), len(other))
                if distance * 100 > length * MAX_DISTANCE_PERCENT:
                    continue
                similarity = 1 - distance / length
                if similarity > best:
                    best, names = similarity, {name}
                elif similarity == best:
                    names.add(name)
        return sorted(names), best

    def _candidates(self, number: int, pairs: frozenset[str], errors: int) -> list[tuple[str, str]]:
        part = self._parts.get(number)
        if part is None:
            if number not in self._keys:
                return []
            part = self._parts[number] = _NamesOfLength(self._keys[number])
        return part.sharing_pairs(pairs, errors)


class _NamesOfLength:
    """Names of about one length, and for each pair of letters the names that have it, as bits."""

    def __init__(self, keys: list[tuple[str, str]]) -> None:
        self._keys = keys
        size = len(keys) // 8 + 1
        bits: dict[str, bytearray] = {}
        for index, (key, _) in enumerate(keys):
            byte, bit = index >> 3, 1 << (index & 7)
            for pair in _pairs(key):
                if pair not in bits:
                    bits[pair] = bytearray(size)
                bits[pair][byte] |= bit
        self._having = {pair: int.from_bytes(held, "little") for pair, held in bits.items()}

    def sharing_pairs(self, pairs: frozenset[str], errors: int) -> list[tuple[str, str]]:
        """Return the names that share enough pairs for that many errors.

        Fewer errors are tried first where too many names are left, and none are returned where
        even one error leaves too many.
        """
        having = [self._having[pair] for pair in pairs if pair in self._having]
        lacking = len(pairs) - len(having)
        allowed = errors * _PAIRS_PER_ERROR
        if lacking > allowed:
            return []
        # Of so many of the rarest pairs, a name with no more errors has at least one.
        having.sort(key=int.bit_count)
        some = 0
        for names in having[: allowed - lacking + 1]:
            some |= names
        if some.bit_count() <= _FEW:
            return self._at(some)
        counts = _counted(having)
        for fewer in range(errors, 0, -1):
            least = len(pairs) - fewer * _PAIRS_PER_ERROR
            found = _at_least(counts, max(least, 1), some)
            if found.bit_count() <= MAX_COMPARED:
                return self._at(found)
        return []

    def _at(self, names: int) -> list[tuple[str, str]]:
        return [self._keys[index] for index in _bits_of(names)]


def _pairs(key: str) -> frozenset[str]:
    return frozenset(map("".join, pairwise(key)))


def _bits_of(number: int) -> Iterator[int]:
    digits = bin(number)[:1:-1]
    index = digits.find("1")
    while index >= 0:
        yield index
        index = digits.find("1", index + 1)


def _counted(having: Iterable[int]) -> list[int]:
    """Return how many of the integers have each name's bit, in binary digits, lowest first."""
    digits: list[int] = []
    for carry in having:
        for position, digit in enumerate(digits):
            digits[position], carry = digit ^ carry, digit & carry
        if carry:
            digits.append(carry)
    return digits


def _at_least(digits: list[int], least: int, among: int) -> int:
    """Return the names among those given whose number in binary digits is at least `least`."""
    greater, equal = 0, among
    for position in range(max(len(digits), least.bit_length()) - 1, -1, -1):
        digit = digits[position] if position < len(digits) else 0
        if least >> position & 1:
            equal &= digit
        else:
            greater |= equal & digit
            equal &= ~digit
    return greater | equal
