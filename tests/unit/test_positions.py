"""Times as digits: the round trip is exact, and any other text is refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from governance.domain.positions import read_digits, time_from_digits, time_to_digits


@pytest.mark.parametrize(
    "at",
    [
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2026, 11, 22, 9, 30, 0, 123456, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    ],
)
def test_time__written_and_read__is_the_same_to_the_microsecond(at: datetime) -> None:
    assert time_from_digits(time_to_digits(at)) == at


@pytest.mark.parametrize("text", ["", "-1", "1.5", "x", "٣", "9" * 18, "1" * 19])
def test_text_that_is_no_time__refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^$"):
        time_from_digits(text)


def test_digits__more_than_there_may_be__refused() -> None:
    assert read_digits("12", max_digits=2) == 12
    with pytest.raises(ValueError, match=r"^$"):
        read_digits("123", max_digits=2)
