from __future__ import annotations

import pytest

from autogen.data.problems import Problem
from autogen.data.quality.labels import check_eval, check_labelled, label_counts
from autogen.data.rows import Row
from autogen.data.text import normalise


def rows(count: int, source: str = "train.csv") -> list[Row]:
    return [Row({}, source, number) for number in range(2, count + 2)]


def check(*pairs: tuple[str, str]) -> list[Problem]:
    return check_labelled([text for text, _ in pairs], [label for _, label in pairs], rows(len(pairs)))


def check_against(train: list[tuple[str, str]], eval_pairs: list[tuple[str, str]]) -> list[Problem]:
    return check_eval(
        [label for _, label in train],
        [label for _, label in eval_pairs],
        rows(len(eval_pairs), "eval.csv"),
        [text for text, _ in train],
        [text for text, _ in eval_pairs],
    )


def summaries(problems: list[Problem]) -> list[tuple[str, str, int | None]]:
    return [(problem.severity, problem.kind, problem.row) for problem in problems]


FINE = [("one", "a"), ("two", "a"), ("three", "b"), ("four", "b")]


def test_texts_count_as_the_same_whatever_their_case_width_and_space() -> None:
    assert normalise("  Ｌｏｓｔ\tmy \n CARD ") == normalise("lost my card") == "lost my card"
    assert normalise("Straße") == normalise("STRASSE")


def test_labels_are_counted_the_most_frequent_first() -> None:
    assert list(label_counts(["b", "a", "c", "c"]).items()) == [("c", 2), ("a", 1), ("b", 1)]


def test_good_rows_have_no_problems() -> None:
    assert check(*FINE) == []
    assert check() == []


def test_each_repeated_row_is_a_warning_that_names_the_first() -> None:
    problems = check(*FINE, ("ONE ", "a"), ("one", "a"))
    assert summaries(problems) == [("warning", "duplicate", 6), ("warning", "duplicate", 7)]
    assert all("row 2" in problem.message for problem in problems)


def test_one_text_with_two_labels_is_a_warning_that_names_rows_and_labels() -> None:
    problems = check(*FINE, ("One", "b"))
    assert summaries(problems) == [("warning", "conflicting-labels", 6)]
    assert 'found "b" here and "a" in row 2' in problems[0].message


def test_a_text_with_three_labels_is_one_warning_that_names_all() -> None:
    problems = check(*FINE, ("one", "b"), ("five", "c"), ("one", "c"))
    assert summaries(problems) == [("warning", "conflicting-labels", 6)]
    assert '"c" in row 8' in problems[0].message


def test_a_repeated_row_of_another_file_is_named_with_its_file() -> None:
    texts, labels = ["one", "two", "three", "one"], ["a", "a", "b", "a"]
    problems = check_labelled(texts, labels, [*rows(3), Row({}, "more.csv", 9)])
    assert "train.csv, row 2" in next(p for p in problems if p.kind == "duplicate").message


def test_each_label_with_one_example_is_a_warning() -> None:
    problems = check(*FINE, ("five", "c"), ("six", "d"))
    assert summaries(problems) == [("warning", "single-example", 6), ("warning", "single-example", 7)]
    assert '"c"' in problems[0].message


@pytest.mark.parametrize("others", [[], [("what is love", "oos"), ("sing a song", "oos")]])
def test_one_label_alone_is_an_error_out_of_scope_rows_or_not(others: list[tuple[str, str]]) -> None:
    problems = check(("one", "a"), ("two", "a"), *others)
    assert summaries(problems) == [("error", "one-label", None)]


def test_a_label_column_of_identifiers_is_one_error() -> None:
    problems = check(*((f"text {n}", f"id-{n}") for n in range(101)))
    assert summaries(problems) == [("error", "identifier-label", None)]
    assert "found 101 different ones in 101 rows" in problems[0].message


def test_many_labels_with_rows_enough_are_not_identifiers() -> None:
    assert check(*((f"text {n}", f"label-{n // 2}") for n in range(400))) == []


def test_labels_unknown_to_training_are_one_warning_each_with_the_nearest_known() -> None:
    train = [("one", "lost_card"), ("two", "balance")]
    eval_pairs = [
        ("three", "lost_crad"),
        ("four", "balance"),
        ("five", "lost_crad"),
        ("six", "zzz"),
        ("x", "lost_card"),
    ]
    problems = check_against(train, eval_pairs)
    assert summaries(problems) == [("warning", "unknown-label", 2), ("warning", "unknown-label", 5)]
    assert "again in row 4" in problems[0].message
    assert 'Did you mean "lost_card"?' in problems[0].fix
    assert "Did you mean" not in problems[1].fix


def test_out_of_scope_rows_need_no_training_rows() -> None:
    assert check_against([("one", "a")], [("two", "a"), ("three", "oos")]) == []


def test_eval_rows_that_are_all_out_of_scope_measure_nothing() -> None:
    problems = check_against([("one", "a"), ("two", "oos")], [("three", "oos"), ("four", "oos")])
    assert summaries(problems) == [("error", "no-known-label", None)]


def test_an_eval_text_that_is_a_training_text_is_a_warning() -> None:
    problems = check_against(FINE, [("five", "a"), ("THREE", "b")])
    assert summaries(problems) == [("warning", "leakage", 3)]


def test_labels_that_eval_lacks_are_one_warning_with_their_names() -> None:
    problems = check_against([*FINE, ("five", "c")], [("six", "a")])
    assert summaries(problems) == [("warning", "label-not-in-eval", None)]
    assert '"b", "c"' in problems[0].message


def test_thousands_of_unknown_labels_are_checked_quickly() -> None:
    train = [(f"text {n}", f"label {n}") for n in range(3000)]
    eval_pairs = [("held", "label 0"), *((f"held {n}", f"other {n}") for n in range(3000))]
    assert len(check_against(train, eval_pairs)) == 3001
