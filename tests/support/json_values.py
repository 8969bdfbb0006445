"""Hypothesis strategies for every JSON value that the record may contain."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from governance.domain.canonical import MAX_NUMBER


def plain_text() -> st.SearchStrategy[str]:
    """Return a strategy for text without NUL and without surrogates."""
    return st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20)


def plain_json() -> st.SearchStrategy[Any]:
    """Return a strategy for values that `require_plain_json` accepts."""
    numbers = st.integers(-MAX_NUMBER, MAX_NUMBER) | st.floats(
        -MAX_NUMBER, MAX_NUMBER, allow_nan=False, allow_infinity=False
    )

    def around(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.lists(inner, max_size=4) | st.dictionaries(plain_text(), inner, max_size=4)

    leaves = st.none() | st.booleans() | numbers | plain_text()
    return st.recursive(leaves, around, max_leaves=12)
