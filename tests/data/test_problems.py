from __future__ import annotations

import pytest

from autogen.data.problems import Problem, data_error, raise_for, shown
from autogen.errors import DataError


def problem(row: int | None, severity: str = "error") -> Problem:
    return Problem(severity, "cell-count", "train.csv", row, "expected 2 cells, found 3", "add quotes")  # type: ignore[arg-type]


def test_a_problem_reads_as_place_expected_found_and_fix() -> None:
    assert str(problem(7)) == "train.csv, row 7: expected 2 cells, found 3; add quotes"
    assert str(problem(None)) == "train.csv: expected 2 cells, found 3; add quotes"


def test_many_problems_are_listed_up_to_twenty_and_then_counted() -> None:
    lines = str(data_error([problem(row) for row in range(1, 31)])).splitlines()
    assert len(lines) == 21
    assert lines[-1] == "and 10 more"


def test_warnings_alone_raise_nothing() -> None:
    raise_for([problem(1, "warning")])


def test_an_error_among_warnings_is_raised_without_them() -> None:
    with pytest.raises(DataError) as raised:
        raise_for([problem(1, "warning"), problem(2)])
    assert str(raised.value) == str(problem(2))
    assert raised.value.exit_code == 2


def test_shown_values_are_short_and_printable() -> None:
    assert shown("余额 café") == '"余额 café"'
    assert shown("a\tb\x00\ud800") == '"a\\tb\\u0000\\ud800"'
    assert len(shown("x" * 1000)) < 70
    assert len(shown(list(range(1000)))) < 70
    assert shown(10**5000) == "a very large int"
