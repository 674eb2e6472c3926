from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from autogen.data.problems import Problem
from autogen.data.rows import Row, is_missing, require_label, require_text


def row(value: object) -> Row:
    return Row({"text": value}, "train.csv", 3)


def kind(result: str | Problem) -> str:
    assert isinstance(result, Problem), result
    assert (result.severity, result.source, result.row) == ("error", "train.csv", 3)
    return result.kind


@pytest.mark.parametrize("value", [None, "", " \t\n", float("nan"), np.float32("nan")])
def test_nothing_and_white_space_are_missing_values(value: object) -> None:
    assert is_missing(row(value), "text")
    assert kind(require_text(row(value), "text", 100)) == "missing-value"
    assert kind(require_label(row(value), "text", 100)) == "missing-value"


def test_an_absent_cell_is_a_missing_value() -> None:
    problem = require_text(Row({"label": "a"}, "train.csv", 3), "text", 100)
    assert str(problem) == ('train.csv, row 3: expected a value in "text", found nothing; fill it in or delete the row')


def test_text_is_kept_as_it_is_with_control_characters_too() -> None:
    assert require_text(row(" two\tlines\n\x07 "), "text", 100) == " two\tlines\n\x07 "


@pytest.mark.parametrize("value", [42, 1.5, True, ["a"], {"a": 1}, b"bytes"])
def test_what_is_not_text_is_an_error(value: object) -> None:
    assert kind(require_text(row(value), "text", 100)) == "not-text"


def test_a_text_over_the_limit_is_an_error_that_says_both_lengths() -> None:
    problem = require_text(row("x" * 11), "text", 10)
    assert kind(problem) == "too-long"
    assert "at most 10 characters" in str(problem)
    assert "found 11" in str(problem)


def test_half_a_character_is_an_error_that_can_be_printed() -> None:
    problem = require_text(row("hi \ud83d"), "text", 100)
    assert kind(problem) == "broken-character"
    assert str(problem).encode("utf-8")


@pytest.mark.parametrize(
    ("value", "label"),
    [
        (" lost card ", "lost card"),
        (7, "7"),
        (7.0, "7"),
        (-1.5, "-1.5"),
        (np.int64(7), "7"),
        (np.float32(0.5), "0.5"),
        (Decimal("2.0"), "2"),
    ],
)
def test_labels_lose_the_space_around_them_and_numbers_become_decimal_strings(value: object, label: str) -> None:
    assert require_label(row(value), "text", 100) == label


@pytest.mark.parametrize("value", [True, ["a"], {"a": 1}, float("inf"), Decimal("NaN"), np.bool_(True)])
def test_what_names_no_class_is_not_a_label(value: object) -> None:
    assert kind(require_label(row(value), "text", 100)) == "not-a-label"


def test_a_number_of_thousands_of_digits_is_not_a_label() -> None:
    assert kind(require_label(row(10**5000), "text", 100)) == "not-a-label"
