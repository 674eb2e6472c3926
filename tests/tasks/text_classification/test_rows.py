from __future__ import annotations

import csv
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from autogen.data.fingerprints import row_fingerprint
from autogen.tasks.text_classification.naming import LabelNaming
from autogen.tasks.text_classification.rows import LabelledText, LearningData, fingerprint, read_learning_data
from tests.tiny import TOPICS, rows, write_csv


def read(folder: Path, train: list[tuple[str, str]], eval_rows: list[tuple[str, str]] | None = None) -> LearningData:
    write_csv(folder / "train.csv", train)
    if eval_rows is not None:
        write_csv(folder / "eval.csv", eval_rows)
    sources = ["eval.csv"] if eval_rows is not None else []
    return read_learning_data(folder, ["train.csv"], sources, {}, seed=0)


def test_with_an_eval_file_that_is_held_out_and_all_the_rest_learnt_from(tmp_path: Path) -> None:
    data = read(tmp_path, rows(3, seed=1), rows(2, seed=2))
    assert (len(data.train.rows), len(data.eval.rows)) == (12, 8)
    assert "8 rows of the eval data" in data.split


def test_without_one_a_share_of_each_label_is_held_out_when_there_are_rows_to_spare(tmp_path: Path) -> None:
    data = read(tmp_path, rows(25, seed=1, oos=10))
    assert Counter(data.eval.labels) == {**dict.fromkeys(TOPICS, 5), "oos": 2}
    assert len(data.train.rows) == 88
    assert not set(data.train.texts) & set(data.eval.texts)
    assert "20%" in data.split


def test_of_many_rows_a_tenth_is_enough(tmp_path: Path) -> None:
    data = read(tmp_path, rows(60, seed=1))
    assert Counter(data.eval.labels) == dict.fromkeys(TOPICS, 6)


def test_few_rows_are_all_learnt_from_and_cross_validation_measures(tmp_path: Path) -> None:
    data = read(tmp_path, rows(19, seed=1, oos=100))
    assert len(data.train.rows) == 176 and not data.eval.rows
    assert data.split.startswith("cross-validation")


def test_the_split_is_the_same_every_time_and_another_with_another_seed(tmp_path: Path) -> None:
    write_csv(tmp_path / "train.csv", rows(25, seed=1))
    texts = [read_learning_data(tmp_path, ["train.csv"], [], {}, seed).eval.texts for seed in (0, 0, 1)]
    assert texts[0] == texts[1] != texts[2]


def test_when_only_the_training_rows_have_out_of_scope_ones_half_of_them_help_to_calibrate(tmp_path: Path) -> None:
    train = rows(3, seed=1, oos=10)
    data = read(tmp_path, train, rows(2, seed=2))
    assert Counter(data.train.labels)["oos"] == Counter(data.eval.labels)["oos"] == 5
    assert sorted([*data.train.texts, *data.eval.texts[8:]]) == sorted(text for text, _ in train)
    assert [row.values["text"] for row in data.eval.rows] == data.eval.texts
    assert [row.values["text"] for row in data.train.rows] == data.train.texts


def test_out_of_scope_rows_stay_where_they_are_when_the_eval_data_has_some(tmp_path: Path) -> None:
    data = read(tmp_path, rows(3, seed=1, oos=10), rows(2, seed=2, oos=1))
    assert Counter(data.train.labels)["oos"] == 10 and Counter(data.eval.labels)["oos"] == 1


def test_a_lone_out_of_scope_row_is_learnt_from(tmp_path: Path) -> None:
    data = read(tmp_path, rows(3, seed=1, oos=1), rows(2, seed=2))
    assert Counter(data.train.labels)["oos"] == 1 and "oos" not in data.eval.labels


def test_several_files_are_one_data_set_and_columns_are_mapped(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", rows(2, seed=1), header=("utterance", "label"))
    write_csv(tmp_path / "b.csv", rows(2, seed=2), header=("utterance", "label"))
    data = read_learning_data(tmp_path, ["a.csv", "b.csv"], [], {"text": "utterance"}, 0)
    assert len(data.train.rows) == 16 and {Path(row.source).name for row in data.train.rows} == {"a.csv", "b.csv"}
    assert not [problem for problem in data.problems if problem.severity == "error"]


def test_every_problem_of_both_files_is_reported_and_nothing_raised(tmp_path: Path) -> None:
    train = [*rows(2, seed=1), ("", "top_up"), ("the same twice", "top_up"), ("the same twice", "lost_card")]
    data = read(tmp_path, train, [("what is it", "unheard_of"), ("add money", ""), ("where", "top_up")])
    problems = {(problem.severity, Path(problem.source).name, problem.row, problem.kind) for problem in data.problems}
    assert {
        ("error", "train.csv", 10, "missing-value"),
        ("warning", "train.csv", 12, "conflicting-labels"),
        ("error", "eval.csv", 3, "missing-value"),
        ("warning", "eval.csv", 2, "unknown-label"),
    } <= problems


def test_a_pair_of_texts_is_read_too(tmp_path: Path) -> None:
    with (tmp_path / "train.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "text_pair", "label"), ("a", "b", "yes"), ("c", "", "no")])
    data = read_learning_data(tmp_path, ["train.csv"], [], {}, 0)
    assert data.train.examples == (LabelledText("a", "yes", "b"), LabelledText("c", "no"))


def test_a_fingerprint_stands_for_the_rows_whatever_their_order() -> None:
    one, two = LabelledText("a", "x"), LabelledText("b", "y", "c")
    assert fingerprint([one, two]) == fingerprint([two, one])
    others = [[one], [one, one, two], [one, LabelledText("b", "y")], [one, LabelledText("b", "z", "c")], []]
    assert len({fingerprint([one, two]), *(fingerprint(other) for other in others)}) == 6
    assert len(fingerprint([])) == 16


@pytest.mark.parametrize("spelt", ["My  CARD", " my card\n", "my card"])
def test_a_rows_fingerprint_does_not_depend_on_case_and_space(spelt: str) -> None:
    assert row_fingerprint(spelt) == row_fingerprint("my card") != row_fingerprint("my cards")


def test_no_unlabelled_text_is_labelled_or_measured_on(tmp_path: Path) -> None:
    labelled = rows(per_label=3, seed=1)
    write_csv(tmp_path / "train.csv", labelled[::2])
    write_csv(tmp_path / "eval.csv", labelled[1::2])
    write_csv(tmp_path / "log.csv", [(text.upper(), "") for text, _ in [*labelled, ("something else", "")]])
    data = read_learning_data(tmp_path, ["train.csv"], ["eval.csv"], {}, 0, ["log.csv"])
    assert data.unlabelled.texts == ("SOMETHING ELSE",)
    assert (data.unlabelled.labelled, data.unlabelled.measured) == (6, 6)
    assert not [problem for problem in data.problems if problem.source.endswith("log.csv")]


@pytest.mark.parametrize(
    ("oos", "packaged", "words"),
    [
        (0, True, "no `oos` rows, and packaged outliers"),
        (3, True, "3 `oos` rows, and packaged outliers"),
        (0, False, "no `oos` rows, no packaged outliers: nothing tells what is out of scope"),
        (3, False, "3 `oos` rows, no packaged outliers"),
    ],
)
def test_a_summary_says_what_declining_rests_on(tmp_path: Path, oos: int, packaged: bool, words: str) -> None:
    data = replace(read(tmp_path, rows(3, seed=1, oos=oos)), packaged_outliers=packaged)
    (line,) = [line for line in data.summary().lines if line.startswith("Declining: ")]
    assert line.startswith(f"Declining: {words}")
    assert packaged or line == f"Declining: {words}."


CASES = [("give it back", "refund"), ("money back", "REFUND"), ("my money", "refund"), ("where is it", "track")] * 2
CASES = [(f"{text} {at}", label) for at, (text, label) in enumerate(CASES)]


def test_labels_are_the_same_whatever_cannot_be_seen_and_it_is_noted(tmp_path: Path) -> None:
    train = [("one", "re\u0301clamation"), ("two", "réclamation\u200b"), ("three", "0.0"), ("four", "0")]
    data = read(tmp_path, train, [("five", "réclamation"), ("six", "0.0")])
    assert data.train.labels == ["réclamation", "réclamation", "0", "0"]
    assert data.eval.labels == ["réclamation", "0"]
    assert not [problem for problem in data.problems if problem.kind in ("single-example", "unknown-label")]
    assert data.notes[0].startswith("Read as one: 2 labels")
    assert data.notes[0] in data.summary().lines
    assert data.summary().json["notes"] == [*data.notes]


def test_labels_that_differ_in_case_alone_are_a_warning(tmp_path: Path) -> None:
    data = read(tmp_path, CASES)
    assert {*data.train.labels} == {"refund", "REFUND", "track"}
    (problem,) = [problem for problem in data.problems if problem.kind == "similar-names"]
    assert '"refund" (4 rows), "REFUND" (2 rows)' in problem.message


def test_labels_that_differ_in_case_alone_are_one_where_it_is_set(tmp_path: Path) -> None:
    write_csv(tmp_path / "train.csv", CASES)
    write_csv(tmp_path / "eval.csv", [("take it back", "Refund"), ("where", "Track"), ("moon", "OOS")])
    data = read_learning_data(tmp_path, ["train.csv"], ["eval.csv"], {}, 0, naming=LabelNaming(join=True))
    assert {*data.train.labels} == {"refund", "track"}
    assert data.eval.labels == ["refund", "track", "oos"]
    assert not [problem for problem in data.problems if problem.kind == "similar-names"]


def test_labels_that_mean_out_of_scope_are_read_as_such_where_it_is_set(tmp_path: Path) -> None:
    write_csv(tmp_path / "train.csv", [*CASES, ("who is the president", "Out_Of_Scope"), ("a riddle", "None")])
    naming = LabelNaming(oos_labels=("out_of_scope", "None"))
    data = read_learning_data(tmp_path, ["train.csv"], [], {}, 0, naming=naming)
    assert Counter(data.train.labels)["oos"] == 2
    assert not {problem.kind for problem in data.problems} & {"out-of-scope-name", "word-for-nothing"}


def test_a_text_of_which_nothing_is_to_be_seen_is_missing(tmp_path: Path) -> None:
    data = read(tmp_path, [*CASES, ("\u200b\ufeff", "track")])
    assert [(problem.kind, problem.row) for problem in data.problems if problem.severity == "error"] == [
        ("missing-value", 10)
    ]


def test_texts_that_differ_in_marks_of_no_width_are_duplicates_and_conflicts(tmp_path: Path) -> None:
    data = read(tmp_path, [*CASES, ("give it\u200b back 0", "refund"), ("where is it\u200d 3", "refund")])
    kinds = [problem.kind for problem in data.problems if problem.kind in ("duplicate", "conflicting-labels")]
    assert kinds == ["duplicate", "conflicting-labels"]
