"""The unit of a column of timestamps."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from autogen.tasks.recommendation.times import number_or_seconds, read_column


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, (5.0, True)),
        ("5.5", (5.5, True)),
        (1_700_000_000_000, (1_700_000_000_000.0, True)),
        ("2024-01-02", (datetime(2024, 1, 2, tzinfo=UTC).timestamp(), False)),
        ("2024-01-02T03:04:05+01:00", (datetime(2024, 1, 2, 2, 4, 5, tzinfo=UTC).timestamp(), False)),
        ("yesterday", None),
        (-1, None),
        (None, None),
        (True, None),
        ("nan", None),
    ],
)
def test_a_time_is_a_number_or_iso(value: object, expected: tuple[float, bool] | None) -> None:
    assert number_or_seconds(value) == expected


def test_seconds_that_look_like_days_are_seconds_among_seconds() -> None:
    numbers = np.array([1_700_000_000.0, 1_700_000_001.0, 45_352.0, 20_240_301.0])
    column = read_column(numbers)
    assert (column.seconds.tolist(), column.unit, column.others) == (numbers.tolist(), "Unix seconds", 0)


def test_a_spreadsheet_counts_days_from_the_end_of_1899() -> None:
    column = read_column(np.array([45_352.5]))
    assert column.seconds[0] == datetime(2024, 3, 1, 12, tzinfo=UTC).timestamp()


def test_digits_that_are_no_date_are_not_read_as_one() -> None:
    column = read_column(np.array([20_240_301.0, 20_240_302.0, 20_240_230.0, 20_241_301.0]))
    assert column.seconds[:2].tolist() == [datetime(2024, 3, day, tzinfo=UTC).timestamp() for day in (1, 2)]
    assert column.seconds[2:].tolist() == [20_240_230.0, 20_241_301.0]


def test_an_empty_column_has_no_unit_to_speak_of() -> None:
    assert read_column(np.array([])).unit == "Unix seconds"
