"""An index of the registry's names: by what they have without regard to case and separators."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from governance.authorities.validator.similar_names import SimilarNames
from governance.authorities.validator.vocabulary import ORDINARY

_SEPARATORS = str.maketrans("", "", " _-./\t\n")
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z]+|[^\W\d_A-Z]+|\d+|[^\W_]")


def compact(text: str) -> str:
    """Return a name without regard to case, spaces and separators."""
    return text.casefold().translate(_SEPARATORS)


def _without_plural(key: str) -> str:
    return key[:-1] if len(key) > 6 and key.endswith("s") else key


class NameIndex:
    """The names of capabilities and the keys of their configuration, as one value.

    The order of the names does not matter, nor does a name that is given twice.
    """

    def __init__(
        self, names: Iterable[str], keys: Mapping[str, Iterable[str]] = MappingProxyType({})
    ) -> None:
        """Index the names.

        Args:
            keys: the configuration keys of each scope.
        """
        self.names = frozenset(names)
        self.scopes_of_keys: dict[str, tuple[str, ...]] = {}
        for scope in sorted(keys):
            for key in keys[scope]:
                folded = key.casefold()
                self.scopes_of_keys[folded] = (*self.scopes_of_keys.get(folded, ()), scope)
        self._by_key: dict[str, tuple[str, ...]] = {}
        self.beginnings: set[str] = set()
        ordered = sorted(self.names)
        for name in ordered:
            self._add(name)
        self._similar = SimilarNames((compact(name), name) for name in ordered)

    def _add(self, name: str) -> None:
        key = compact(name)
        stem = _without_plural(key)
        self._by_key[stem] = (*self._by_key.get(stem, ()), name)
        beginning = ""
        for part in _PARTS.findall(name):
            beginning += part.casefold()
            self.beginnings.add(beginning)
        self.beginnings.add(stem)

    def exact(self, written: str, key: str) -> str | None:
        """Return the name that a word is, without regard to case, separators and a plural.

        Where several names are alike, only the one that is written exactly so is meant.
        """
        names = self._by_key.get(_without_plural(key))
        if names is None:
            return None
        if written in names:
            return written
        same = [name for name in names if compact(name) == key] or names
        return same[0] if len(same) == 1 else None

    def nearest(self, written: str) -> tuple[list[str], float]:
        """Return the names that are most similar to a word, sorted, and how similar they are."""
        return self._similar.nearest(compact(written))


def is_ordinary(name: str) -> bool:
    """Return whether a registered name is an ordinary word as well."""
    return name.casefold() in ORDINARY


def parts_of(word: str) -> list[str]:
    """Return the parts of a word that has separators."""
    return [part for part in re.split(r"[_-]+", word) if part]
