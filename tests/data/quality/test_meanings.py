"""Labels and texts that are likely not what they look like."""

import pytest

from autogen.data.problems import Problem
from autogen.data.quality.meanings import check_meanings, names_out_of_scope
from autogen.data.rows import Row


def check(texts: list[str], labels: list[str], in_project: bool = True) -> list[Problem]:
    rows = [Row({}, "train.csv", number) for number in range(2, 2 + len(texts))]
    return check_meanings(texts, labels, rows, in_project)


def test_words_for_nothing_among_labels_are_a_warning_at_the_first_row() -> None:
    (problem,) = check(["a", "b", "c", "d"], ["refund", "nan", "None", "nan"])
    assert (problem.severity, problem.kind, problem.row) == ("warning", "word-for-nothing", 3)
    assert '"nan", "None" (3 rows)' in problem.message
    assert 'oos_labels = ["nan", "None"]' in problem.fix


def test_words_for_nothing_among_texts_are_a_warning() -> None:
    (problem,) = check(["where is it", "N/A", "-"], ["track", "track", "refund"])
    assert (problem.severity, problem.kind, problem.row) == ("warning", "word-for-nothing", 3)
    assert '"N/A", "-" (2 rows)' in problem.message


@pytest.mark.parametrize(
    "label", ["out_of_scope", "OOS", "Out of scope", "nlu_fallback", "Default Fallback Intent", "AMAZON.FallbackIntent"]
)
def test_out_of_scope_rows_by_another_name_are_a_warning_with_the_setting(label: str) -> None:
    (problem,) = check(["a", "b"], ["refund", label])
    assert (problem.severity, problem.kind, problem.row) == ("warning", "out-of-scope-name", 3)
    assert f'oos_labels = ["{label}"]' in problem.fix
    (problem,) = check(["a", "b"], ["refund", label], in_project=False)
    assert "agent.toml" not in problem.fix and 'call it "oos"' in problem.fix


def test_none_means_nothing_or_out_of_scope_and_is_asked_about_once() -> None:
    (problem,) = check(["a", "b"], ["refund", "None"])
    assert 'oos_labels = ["None"]' in problem.fix


def test_the_reserved_label_and_ordinary_ones_are_no_finding() -> None:
    assert check(["a", "b", "c"], ["oos", "none_of_my_cards_work", "fallback_plan"]) == []
    assert not names_out_of_scope("oos")
